"""Radios whose airtime is the scarce thing: LoRaWAN frames, who hears them, and how many get through."""
