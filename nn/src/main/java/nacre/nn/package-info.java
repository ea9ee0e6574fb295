/**
 * Layers and their parameters, attention, vision transformers, optimizers, and learning-rate
 * schedules.
 */
package nacre.nn;
