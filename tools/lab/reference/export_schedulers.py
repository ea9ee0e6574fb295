"""Writes the reference bundles of noise schedulers: diffusers' on random predictions.

`python tools/lab/reference/export_schedulers.py [FOLDER]`, by default tools/cli/src/test/resources/bundles.
The configs are those that the hub ships with Stable Diffusion 1.5 (predicts noise) and 2.1 (predicts
velocities), given to each class, and one case for each setting that changes what a class computes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
)
from diffusers.schedulers import scheduling_ddpm

from bundle import write

FOLDER = Path(__file__).resolve().parents[3] / "tools/cli/src/test/resources/bundles"
SHAPE = (2, 3, 2, 3)

# scheduler/scheduler_config.json as the hub has it, keys of other classes included
SD15 = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
SD21 = SD15 | {
    "_class_name": "DDIMScheduler",
    "_diffusers_version": "0.8.0",
    "prediction_type": "v_prediction",
}
PIXEL = {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing", "clip_sample": True}
ZERO_SNR = SD21 | {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
KARRAS = {"use_karras_sigmas": True}

KINDS = {
    "ddim": DDIMScheduler,
    "ddpm": DDPMScheduler,
    "pndm": PNDMScheduler,
    "euler": EulerDiscreteScheduler,
    "dpm": DPMSolverMultistepScheduler,
}


def run(scheduler, sample, guesses, noises, eta):
    """What goes into the model and what comes out of the scheduler, step by step."""
    scaled, after = [], []
    original = scheduling_ddpm.randn_tensor
    try:
        for i, t in enumerate(scheduler.timesteps):
            scheduling_ddpm.randn_tensor = lambda *_, **__: noises[i]  # step i's own noise
            scaled.append(scheduler.scale_model_input(sample, t))
            more = {}
            if isinstance(scheduler, DDIMScheduler):
                more = {"eta": eta, "variance_noise": noises[i]}
            elif isinstance(scheduler, DPMSolverMultistepScheduler):
                more = {"variance_noise": noises[i]}
            sample = scheduler.step(guesses[i], t, sample, **more).prev_sample
            after.append(sample)
    finally:
        scheduling_ddpm.randn_tensor = original
    return torch.stack(scaled), torch.stack(after)


def case(
    folder: Path, name: str, config: dict, steps: int, eta: float = 0.0, tolerance: float = 2e-6
) -> None:
    """One bundle; its name begins with the kind, its config is written as it is given."""
    kind = KINDS[name.split("-")[0]]
    g = torch.Generator().manual_seed(sum(name.encode()))
    scheduler = kind.from_config(config)
    scheduler.set_timesteps(steps)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # rather than to guess it from timesteps, of which two may be equal
    count = len(scheduler.timesteps)
    sample = torch.randn(SHAPE, generator=g) * scheduler.init_noise_sigma
    guesses = torch.randn((count, *SHAPE), generator=g)
    noises = torch.randn((count, *SHAPE), generator=g)
    scaled, after = run(scheduler, sample, guesses, noises, eta)
    tensors = {
        "input.sample": sample,
        "input.model_output": guesses,
        "output.timesteps": scheduler.timesteps,
        "output.prev_samples": after,
        "output.scaled_inputs": scaled,
    }
    if kind is DDPMScheduler or eta or "sde" in config.get("algorithm_type", ""):
        tensors["input.noise"] = noises
    config = {k: v for k, v in config.items() if not k.startswith("_")}
    config["num_inference_steps"] = steps
    if eta:
        config["eta"] = eta
    write(folder / name, kind.__name__, config, tensors, tolerance=tolerance)


def hub(folder: Path) -> None:
    """The hub's configs, for each class, with its own spacing and with each that there is."""
    for model, config in {"sd15": SD15, "sd21": SD21}.items():
        for kind in KINDS:
            case(folder, f"{kind}-{model}", config, 7)
            for spacing in ("leading", "trailing", "linspace"):
                case(folder, f"{kind}-{model}-{spacing}", config | {"timestep_spacing": spacing}, 6)
        for kind in ("euler", "dpm"):
            case(folder, f"{kind}-{model}-karras", config | KARRAS, 8)
    for kind in ("ddim", "ddpm", "euler", "dpm"):
        case(folder, f"{kind}-sample", SD15 | {"prediction_type": "sample"}, 5)


def settings(folder: Path) -> None:
    """What else there is to set, class by class."""
    betas = [0.01 + 0.02 * i for i in range(20)]
    few = {"num_train_timesteps": 20, "trained_betas": betas, "clip_sample": False}
    threshold = {"thresholding": True, "dynamic_thresholding_ratio": 0.8, "sample_max_value": 2.0}

    case(folder, "ddim-eta", SD15, 5, eta=0.7)
    case(folder, "ddim-alpha-to-one", SD15 | {"set_alpha_to_one": True, "steps_offset": 0}, 5)
    case(folder, "ddim-clip-range", PIXEL | {"clip_sample_range": 1.5}, 5)
    case(folder, "ddim-clip-velocity", PIXEL | {"prediction_type": "v_prediction"}, 5)
    case(folder, "ddim-linear-default", {}, 5)
    case(folder, "ddim-threshold", PIXEL | threshold, 5)
    case(folder, "ddim-trained-betas", few, 5)
    case(folder, "ddim-zero-snr", ZERO_SNR, 5)

    case(folder, "ddpm-clip-velocity", PIXEL | {"prediction_type": "v_prediction"}, 5)
    case(folder, "ddpm-fixed-large", SD15 | {"variance_type": "fixed_large"}, 5)
    case(folder, "ddpm-fixed-small-log", PIXEL | {"variance_type": "fixed_small_log"}, 5)
    case(folder, "ddpm-threshold", PIXEL | threshold, 5)
    case(folder, "ddpm-trained-betas", few, 5)
    case(folder, "ddpm-zero-snr", ZERO_SNR, 5)

    prk = {"skip_prk_steps": False}
    case(folder, "pndm-one-step", SD15, 1)
    case(folder, "pndm-two-steps", SD15, 2)
    case(folder, "pndm-prk", SD15 | prk, 7)
    case(folder, "pndm-prk-four", SD15 | prk, 4)
    case(folder, "pndm-prk-velocity", SD21 | prk | {"timestep_spacing": "linspace"}, 6)
    case(folder, "pndm-prk-trailing", SD15 | prk | {"timestep_spacing": "trailing"}, 6)
    case(folder, "pndm-alpha-to-one", SD15 | {"set_alpha_to_one": True, "steps_offset": 0}, 6)

    case(folder, "euler-log-linear", SD15 | {"interpolation_type": "log_linear"}, 6)
    case(folder, "euler-exponential", SD15 | {"use_exponential_sigmas": True}, 6)
    case(folder, "euler-ends-at-lowest", SD15 | {"final_sigmas_type": "sigma_min"}, 6)
    case(folder, "euler-karras-range", SD15 | KARRAS | {"sigma_min": 0.1, "sigma_max": 10.0}, 6)
    case(folder, "euler-karras-leading", SD15 | KARRAS | {"timestep_spacing": "leading"}, 6)
    continuous = SD21 | {"timestep_type": "continuous"}
    case(folder, "euler-continuous", continuous, 6)
    case(folder, "euler-log-continuous", continuous | {"interpolation_type": "log_linear"}, 5)
    # PyTorch's roots are not always the nearest, and the noise levels begin with 4096.
    case(folder, "euler-zero-snr", ZERO_SNR, 6, tolerance=1e-4)
    case(folder, "euler-pixel", PIXEL, 6)

    lowest = {"final_sigmas_type": "sigma_min"}
    for order in (1, 3):
        case(folder, f"dpm-order-{order}", SD15 | {"solver_order": order}, 6)
    case(folder, "dpm-heun", SD15 | {"solver_type": "heun"}, 6)
    case(folder, "dpm-many-steps", SD15, 16)
    case(folder, "dpm-many-steps-order-3", SD21 | lowest | {"solver_order": 3}, 16)
    case(folder, "dpm-ends-at-lowest", SD15 | lowest | {"lower_order_final": False}, 6)
    euler = lowest | {"lower_order_final": False, "euler_at_final": True}
    case(folder, "dpm-euler-at-final", SD15 | euler, 6)
    case(folder, "dpm-exponential", SD15 | {"use_exponential_sigmas": True}, 6)
    case(folder, "dpm-lu", SD15 | {"use_lu_lambdas": True}, 6)
    case(folder, "dpm-karras-many", SD21 | KARRAS, 25)
    case(folder, "dpm-karras-cosine", PIXEL | KARRAS, 6)
    case(folder, "dpm-threshold", PIXEL | threshold, 6)
    for spacing in ("leading", "trailing", "linspace"):
        clipped = PIXEL | {"lambda_min_clipped": -5.1, "timestep_spacing": spacing}
        case(folder, f"dpm-clipped-{spacing}", clipped, 6)
    case(folder, "dpm-zero-snr", ZERO_SNR, 6)
    case(folder, "dpm-trained-betas", few | {"timestep_spacing": "leading"}, 6)
    case(folder, "dpm-unlimited", SD15 | {"lambda_min_clipped": -float("inf")}, 6)
    sde = {"algorithm_type": "sde-dpmsolver++"}
    case(folder, "dpm-sde", SD15 | sde, 6)
    case(folder, "dpm-sde-heun", SD21 | sde | {"solver_type": "heun"}, 6)
    case(folder, "dpm-sde-order-3", SD15 | sde | {"solver_order": 3}, 6)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    hub(folder)
    settings(folder)


if __name__ == "__main__":
    main()
