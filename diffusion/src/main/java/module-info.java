/** UNet, VAE, noise schedules and samplers. */
module nacre.diffusion {
  requires transitive nacre.nn;
  requires transitive com.fasterxml.jackson.databind;

  exports nacre.diffusion;
  exports nacre.diffusion.checkpoint;
  exports nacre.diffusion.layers;
  exports nacre.diffusion.schedule;
  exports nacre.diffusion.text;
  exports nacre.diffusion.unet;
  exports nacre.diffusion.vae;
}
