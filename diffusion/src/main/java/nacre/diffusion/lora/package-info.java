/**
 * LoRA (Hu et al., 2021): low-rank changes of a model's weights, read from the files that there are
 * and merged into a Stable Diffusion model.
 */
package nacre.diffusion.lora;
