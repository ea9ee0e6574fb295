/** Models put together: from a prompt to images. */
package nacre.diffusion.pipeline;
