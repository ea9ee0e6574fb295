/** Networks that judge pictures: perceptual distances. */
package nacre.nn.vision;
