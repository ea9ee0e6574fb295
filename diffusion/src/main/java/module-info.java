/** Stable Diffusion: text encoder, UNet, VAE, noise schedules and schedulers. */
module nacre.diffusion {
  requires transitive nacre.nn;
  requires transitive com.fasterxml.jackson.databind;
  requires transitive java.desktop;
  requires jdk.management;

  exports nacre.diffusion;
  exports nacre.diffusion.checkpoint;
  exports nacre.diffusion.image;
  exports nacre.diffusion.layers;
  exports nacre.diffusion.lora;
  exports nacre.diffusion.schedule;
  exports nacre.diffusion.text;
  exports nacre.diffusion.unet;
  exports nacre.diffusion.vae;

  uses nacre.diffusion.schedule.SchedulerProvider;
}
