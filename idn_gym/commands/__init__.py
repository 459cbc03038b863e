"""The console command `idn`: one module per subcommand, imported only when that subcommand runs."""
