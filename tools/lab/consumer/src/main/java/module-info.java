/** An application that depends on Nacre. */
module consumer {
  requires java.desktop;
  requires nacre.diffusion;
}
