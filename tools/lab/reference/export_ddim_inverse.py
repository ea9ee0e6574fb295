"""Writes diffusion/src/test/resources/ddim-inverse.json: steps of diffusers' DDIMInverseScheduler.

Of every combination of settings: the configuration, the timesteps, and for each step the model's
output and the sample that it leads to.
"""

import itertools
import json
from pathlib import Path

import torch
from diffusers import DDIMInverseScheduler

OUT = Path(__file__).parents[3] / "diffusion/src/test/resources/ddim-inverse.json"
STEPS = 3


def case(prediction: str, spacing: str, alpha_to_one: bool, clip: bool, other: int) -> dict:
    config = {
        "num_train_timesteps": 1000,
        "beta_schedule": ["scaled_linear", "squaredcos_cap_v2", "linear"][other],
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "prediction_type": prediction,
        "timestep_spacing": spacing,
        "set_alpha_to_one": alpha_to_one,
        "steps_offset": 1 if spacing == "leading" else 0,
        "clip_sample": clip,
        "clip_sample_range": 0.75,
        "rescale_betas_zero_snr": prediction == "v_prediction" and other == 2,
    }
    scheduler = DDIMInverseScheduler(**config)
    scheduler.set_timesteps(STEPS)
    torch.manual_seed(other)
    sample = torch.randn(4)
    result = {"config": config, "sample": sample.tolist(), "outputs": [], "samples": []}
    result["timesteps"] = scheduler.timesteps.tolist()
    for timestep in scheduler.timesteps:
        output = torch.randn(4)
        sample = scheduler.step(output, int(timestep), sample).prev_sample
        result["outputs"].append(output.tolist())
        result["samples"].append(sample.tolist())
    return result


def main() -> None:
    cases = [
        case(*settings)
        for settings in itertools.product(
            ["epsilon", "sample", "v_prediction"],
            ["leading", "trailing"],
            [True, False],
            [True, False],
            [0, 1, 2],
        )
        # There the noise of a clean sample would be 0 / 0.
        if not (settings[0] == "sample" and settings[2])
    ]
    OUT.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in cases) + "\n]\n")


if __name__ == "__main__":
    main()
