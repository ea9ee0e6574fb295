/** The tokenizer and text encoder of CLIP, which turn a prompt into the UNet's conditioning. */
package nacre.diffusion.text;
