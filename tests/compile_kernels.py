"""Compile the kernels that most tests run, ahead of them.

Where the processes of a run meet a kernel that nobody has compiled, each of them compiles it. `.ci/run`
does it once, on a core that has nothing else to do. What is missing here is compiled by the tests themselves.
"""

from idn_gym.commands.warm import WarmCommand
from idn_gym.core.costs import serve
from idn_gym.core.flows import option_flows
from idn_gym.evaluation.latencies import latency_quantiles
from idn_gym.evaluation.rollout import rollout
from idn_gym.optimum.dynamic.bracket import dynamic_bracket
from idn_gym.optimum.hindsight import best_static
from idn_gym.policies.compare import open_policy
from idn_gym.scenarios.compile import compile_scenario
from idn_gym.scenarios.episodes import build_instance
from idn_gym.scenarios.presets import load_scenario

PRIVATE = {"serving.capacity": "exogenous", "serving.loading": "instant"}


def main():
    WarmCommand().run()
    scenario = load_scenario("tiny", {"horizon": 4})
    compiled, instance = compile_scenario(scenario), build_instance(scenario, 0)
    for ask in (serve, option_flows, latency_quantiles):
        ask(instance, 0, instance.tables.pinned)
    dynamic_bracket(compiled, instance, seconds=1.0)
    private = load_scenario("tiny", {"horizon": 4, **PRIVATE})
    best_static(compile_scenario(private), build_instance(private, 0), seconds=1.0)
    learners = ("infida", "olag", "ftpl", "sg")
    for world, names in ((scenario, ("static-greedy", "lru-aware")), (private, learners)):
        for name in names:
            env, policy = open_policy(name, world, (0,))
            rollout(policy, env, (0,))
            env.close()


if __name__ == "__main__":
    main()
