/** UNet, VAE, noise schedules and samplers. */
module nacre.diffusion {
  requires transitive nacre.nn;
  requires com.fasterxml.jackson.databind;
}
