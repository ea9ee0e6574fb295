/** From a prompt to what a UNet is conditioned on: the tokenizer and text encoder of CLIP. */
package nacre.diffusion.text;
