"""Writes bundles with every combination of settings of a scheduler's class that diffusers accepts.

`python tools/lab/reference/export_scheduler_grids.py [FOLDER]`, by default
tools/cli/src/test/resources/bundles. One bundle a class: its `variants` are named, each a few keys over
the shared config. What diffusers refuses, or computes no numbers from, goes to refused-schedulers.json
beside the folder: Nacre has to refuse it, too.
"""

from __future__ import annotations

import itertools
import json
import sys
import types
import warnings
from pathlib import Path

import diffusers  # noqa: F401  before the replacement, which it would take for the package
import torch

sys.modules.setdefault("torchsde", types.SimpleNamespace())  # its path is replaced below

from diffusers.schedulers import (  # noqa: E402
    scheduling_ddim,
    scheduling_ddpm,
    scheduling_deis_multistep,
    scheduling_dpmsolver_multistep,
    scheduling_dpmsolver_sde,
    scheduling_dpmsolver_singlestep,
    scheduling_euler_ancestral_discrete,
    scheduling_euler_discrete,
    scheduling_heun_discrete,
    scheduling_k_dpm_2_ancestral_discrete,
    scheduling_k_dpm_2_discrete,
    scheduling_lcm,
    scheduling_lms_discrete,
    scheduling_pndm,
    scheduling_tcd,
    scheduling_unipc_multistep,
)

from bundle import write  # noqa: E402

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"
SHAPE = (1, 3, 1, 2)
STEPS = 6
STRENGTH = 0.6

# Stable Diffusion 1.5's scheduler_config.json, whose other keys each case sets
BASE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}

SPACINGS = {s: {"timestep_spacing": s} for s in ("leading", "trailing", "linspace")}
PREDICTIONS = {
    "epsilon": {"prediction_type": "epsilon"},
    "v": {"prediction_type": "v_prediction"},
    "sample": {"prediction_type": "sample"},
}
SIGMAS = {
    "plain": {},
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
}
TWO = {"karras-beta": {"use_karras_sigmas": True, "use_beta_sigmas": True}}
FINALS = {"zero": {"final_sigmas_type": "zero"}, "min": {"final_sigmas_type": "sigma_min"}}
ORDERS = {f"order{n}": {"solver_order": n} for n in (1, 2, 3)}
LOWER = {"lower": {"lower_order_final": True}, "same": {"lower_order_final": False}}
KARRAS = SIGMAS["karras"]
RANGE = {"sigma_min": 0.1, "sigma_max": 10.0}
COSINE = {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing"}
THRESHOLD = {"thresholding": True, "dynamic_thresholding_ratio": 0.8, "sample_max_value": 2.0}
CLIP = {"clip_sample": True, "clip_sample_range": 1.5}
ZERO_SNR = {
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "prediction_type": "v_prediction",
}
IMAGE = {"strength": STRENGTH}
OLD = {"clip_sample": False, "skip_prk_steps": True, "set_alpha_to_one": False}


def types_of(key: str, *values: str) -> dict:
    return {value: {key: value} for value in values}


def grid(*axes: dict) -> dict:
    """Every combination of one of each axis, by its name."""
    cases = {}
    for choice in itertools.product(*(axis.items() for axis in axes)):
        name = "-".join(name for name, _ in choice)
        cases[name] = {k: v for _, keys in choice for k, v in keys.items()}
    return cases


def common(sigmas: dict) -> dict:
    return grid(SPACINGS, PREDICTIONS, sigmas) | grid({"image": IMAGE}, PREDICTIONS, sigmas)


LEVELS = SIGMAS | TWO
K_FAMILY = common(LEVELS) | {
    "range-" + name: RANGE | keys for name, keys in SIGMAS.items() if name != "plain"
}
DPM_TYPES = types_of("algorithm_type", "dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++")
MIDPOINT = types_of("solver_type", "midpoint", "heun")
ELSEWHERE = types_of("solver_type", "logrho", "bh1", "bh2")
ELSEWHERE |= {"deis": {"algorithm_type": "deis", "final_sigmas_type": "sigma_min"}}
ELSEWHERE |= {"newton": {"solver_type": "newton"}, "sde": {"algorithm_type": "sde"}}
SOLVER = K_FAMILY | {
    "threshold-" + name: THRESHOLD | keys for name, keys in PREDICTIONS.items()
}
IMAGE_ORDERS = grid({"image": IMAGE}, ORDERS)

# class: module, further keys of its base, cases
CLASSES = {
    "DDIMScheduler": (
        scheduling_ddim,
        OLD,
        common({"plain": {}, "clip": CLIP, "threshold": THRESHOLD, "one": {"set_alpha_to_one": True}}),
    ),
    "DDPMScheduler": (
        scheduling_ddpm,
        OLD,
        common({"plain": {}, "clip": CLIP, "large": {"variance_type": "fixed_large"}}),
    ),
    "PNDMScheduler": (scheduling_pndm, OLD, common({"plain": {}, "one": {"set_alpha_to_one": True}})),
    "EulerDiscreteScheduler": (
        scheduling_euler_discrete,
        {},
        K_FAMILY
        | grid(FINALS, SIGMAS)
        | grid({"log": {"interpolation_type": "log_linear"}}, PREDICTIONS, SIGMAS),
    ),
    "EulerAncestralDiscreteScheduler": (
        scheduling_euler_ancestral_discrete,
        {},
        common({"plain": {}}),
    ),
    "HeunDiscreteScheduler": (
        scheduling_heun_discrete,
        {},
        K_FAMILY | grid({"clip": CLIP}, PREDICTIONS, SIGMAS),
    ),
    "KDPM2DiscreteScheduler": (scheduling_k_dpm_2_discrete, {}, K_FAMILY),
    "KDPM2AncestralDiscreteScheduler": (scheduling_k_dpm_2_ancestral_discrete, {}, K_FAMILY),
    "LMSDiscreteScheduler": (scheduling_lms_discrete, {}, K_FAMILY),
    "DPMSolverSDEScheduler": (scheduling_dpmsolver_sde, {}, K_FAMILY),
    "DPMSolverMultistepScheduler": (
        scheduling_dpmsolver_multistep,
        {},
        SOLVER
        | grid(FINALS, LEVELS | {"lu": {"use_lu_lambdas": True}})
        | grid(DPM_TYPES, MIDPOINT, ORDERS, FINALS, LOWER)
        | grid(DPM_TYPES, PREDICTIONS, {"min": FINALS["min"]})
        | grid({"threshold": THRESHOLD | FINALS["min"]}, DPM_TYPES)
        | {"karras-lu": {"use_karras_sigmas": True, "use_lu_lambdas": True}}
        | {"exponential-lu": {"use_exponential_sigmas": True, "use_lu_lambdas": True}}
        | ELSEWHERE
        | IMAGE_ORDERS,
    ),
    "DPMSolverSinglestepScheduler": (
        scheduling_dpmsolver_singlestep,
        {},
        SOLVER
        | grid(FINALS, LEVELS)
        | grid(DPM_TYPES, MIDPOINT, ORDERS, FINALS, LOWER)
        | grid(DPM_TYPES, PREDICTIONS, {"min": FINALS["min"]})
        | grid({"threshold": THRESHOLD | FINALS["min"]}, DPM_TYPES)
        | ELSEWHERE
        | IMAGE_ORDERS
        | {"seven-" + name: keys | {"num_inference_steps": 7} for name, keys in ORDERS.items()}
        | {"eight-" + name: keys | {"num_inference_steps": 8} for name, keys in ORDERS.items()},
    ),
    "DEISMultistepScheduler": (
        scheduling_deis_multistep,
        {},
        SOLVER
        | grid(ORDERS, LOWER, PREDICTIONS)
        | {"sde": {"algorithm_type": "sde-dpmsolver++"}, "other": {"algorithm_type": "dpmsolver++"}}
        | types_of("solver_type", "midpoint", "heun", "bh1", "bh2", "newton")
        | IMAGE_ORDERS
        | {"many": {"solver_order": 3, "num_inference_steps": 15}},
    ),
    "UniPCMultistepScheduler": (
        scheduling_unipc_multistep,
        {},
        SOLVER
        | grid(FINALS, LEVELS)
        | grid(types_of("solver_type", "bh1", "bh2"), ORDERS, LOWER, {"min": FINALS["min"]}, PREDICTIONS)
        | grid({"noise": {"predict_x0": False}}, ORDERS, FINALS, LOWER)
        | grid(FINALS, ORDERS, LOWER)
        | {"uncorrected": {"disable_corrector": [0, 2], "solver_order": 3}}
        | {"noise-threshold": {"predict_x0": False} | THRESHOLD | FINALS["min"]}
        | types_of("solver_type", "midpoint", "heun", "logrho", "newton")
        | IMAGE_ORDERS
        | {"many": {"solver_order": 4, "num_inference_steps": 12}},
    ),
    "LCMScheduler": (
        scheduling_lcm,
        {},
        grid(PREDICTIONS, {"plain": {}, "clip": CLIP, "threshold": THRESHOLD, "image": IMAGE})
        | {
            "original": {"original_inference_steps": 100, "timestep_scaling": 7.0},
            "too-few": {"original_inference_steps": 5},
            "too-many": {"original_inference_steps": 2000},
        },
    ),
    "TCDScheduler": (
        scheduling_tcd,
        {},
        grid(PREDICTIONS, {"plain": {}, "clip": CLIP, "image": IMAGE, "eta": {"eta": 0.3}, "one": {"eta": 1.0}})
        | {"original": {"original_inference_steps": 100}, "too-few": {"original_inference_steps": 5}},
    ),
}
# A cosine begins at a noise level of 20291, zero-terminal SNR at 4096, and two steps go from 14.6 to 0.03 in
# one: diffusers' own rounding shows there
COUNTS = {f"steps{n}": {"num_inference_steps": n} for n in (1, 3, 14)}
EXTREME = {"cosine-" + name: COSINE | keys for name, keys in SIGMAS.items()}
EXTREMES = {
    name: EXTREME if "use_karras_sigmas" in str(cases) else {"cosine-plain": COSINE}
    for name, (_, _, cases) in CLASSES.items()
}
EXTREMES["DPMSolverMultistepScheduler"] = EXTREME | {"cosine-lu": COSINE | {"use_lu_lambdas": True}}
EXTREMES["DPMSolverSinglestepScheduler"] = EXTREME | {"clipped": COSINE | {"lambda_min_clipped": -5.1}}
ZERO_SNR_CLASSES = (
    "DDIMScheduler",
    "DDPMScheduler",
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "UniPCMultistepScheduler",
    "LCMScheduler",
    "TCDScheduler",
)
# those whose model's input is not the sample itself
SCALING = (
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "LMSDiscreteScheduler",
    "DPMSolverSDEScheduler",
)
OWN_KEYS = ("strength", "eta", "num_inference_steps")


class BrownianPath:
    """A Brownian path of the noise of two stages, in place of torchsde's tree."""

    def __init__(self, noises):
        self.noises, self.calls, self.middle = noises, 0, None

    def __call__(self, sigma, sigma_next):
        step, self.calls = self.calls, self.calls + 1
        if self.middle is None:
            self.middle = sigma_next
            return self.noises[step]
        middle, self.middle = self.middle, None
        near = self.noises[step - 1] * (sigma - middle).sqrt()
        far = self.noises[step] * (middle - sigma_next).sqrt()
        return (near + far) / (sigma - sigma_next).sqrt()


def run(module, name: str, config: dict, keys: dict, sample, noise, guesses, noises):
    """A run in the manner of diffusers' pipelines: what the scheduler says, asks for and makes."""
    scheduler = getattr(module, name).from_config({k: v for k, v in config.items() if k not in OWN_KEYS})
    scheduler.set_timesteps(config["num_inference_steps"])
    steps = scheduler.timesteps
    first = 0
    if "strength" in keys:
        requested = config["num_inference_steps"]
        first = (requested - min(int(requested * keys["strength"]), requested)) * scheduler.order
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    if "strength" in keys:
        x = scheduler.add_noise(sample, noise, steps[first : first + 1])
    else:
        x = sample * scheduler.init_noise_sigma
    more = {"eta": keys.get("eta", 0.0)} if name in ("DDIMScheduler", "TCDScheduler") else {}
    if name == "DPMSolverSDEScheduler":
        scheduler.noise_sampler = BrownianPath(noises[first:])
    scaled, after = [], []
    for i, t in enumerate(steps[first:], first):
        if hasattr(module, "randn_tensor"):
            module.randn_tensor = lambda *_, **__: noises[i]  # step i's own
        scaled.append(scheduler.scale_model_input(x, t))
        x = scheduler.step(guesses[i], t, x, **more).prev_sample
        after.append(x)
    return steps[first:].float(), torch.stack(scaled).float(), torch.stack(after).float()


def bundle(folder: Path, name: str, title: str, cases: dict, tolerance: float) -> list:
    """Writes a bundle of a class, and returns what diffusers refuses."""
    module, base, _ = CLASSES[name]
    g = torch.Generator().manual_seed(sum(name.encode()))
    sample, noise = torch.randn((2, *SHAPE), generator=g)
    guesses, noises = torch.randn((2, 30, *SHAPE), generator=g)
    shared = BASE | base | {"num_inference_steps": STEPS}
    tensors = {
        "input.sample": sample,
        "input.start_noise": noise,
        "input.model_output": guesses,
        "input.noise": noises,
    }
    variants, refused = {}, []
    original = getattr(module, "randn_tensor", None)
    for case, keys in cases.items():
        config = shared | keys
        try:
            results = run(module, name, config, keys, sample, noise, guesses, noises)
            fine = all(torch.isfinite(r).all() for r in results)
        except (ValueError, NotImplementedError, UnboundLocalError, IndexError, TypeError, RuntimeError) as e:
            print(f"  refused: {case}: {type(e).__name__} {str(e)[:80]}")
            fine = False
        if not fine:
            refused.append({"_class_name": name} | keys)
            continue
        variants[case] = keys
        for output, value in zip(("timesteps", "scaled_inputs", "prev_samples"), results):
            if output != "scaled_inputs" or name in SCALING:
                tensors[f"output.{case}.{output}"] = value
    if original is not None:
        module.randn_tensor = original
    write(folder / title, name, shared | {"variants": variants}, tensors, tolerance=tolerance)
    return refused


def main() -> None:
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    refused = []
    for name, (_, _, cases) in CLASSES.items():
        title = f"grid-{name.removesuffix('Scheduler').lower()}"
        extreme = EXTREMES[name] | {"steps2": {"num_inference_steps": 2}}
        if name in ZERO_SNR_CLASSES:
            extreme = extreme | {"zero-snr": ZERO_SNR}
        # Differences of exponentials in f32, in the third order
        cases = cases | COUNTS
        if "use_karras_sigmas" in str(cases):
            cases = cases | {f"karras-{count}": KARRAS | keys for count, keys in COUNTS.items()}
        tolerance = 5e-6 if name == "DPMSolverSinglestepScheduler" else 2e-6
        refused += bundle(folder, name, title, cases, tolerance)
        # What becomes no number here does so by rounding, not by the settings: Nacre need not refuse it
        bundle(folder, name, f"{title}-extreme", extreme, 2e-4)
    (folder.parent / "refused-schedulers.json").write_text(
        "[\n" + ",\n".join(json.dumps(config) for config in refused) + "\n]\n"
    )


if __name__ == "__main__":
    main()
