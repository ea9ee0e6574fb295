/**
 * Noise schedules of training and the schedulers that sample by them. {@link
 * nacre.diffusion.schedule.Schedulers} is the table of all.
 */
package nacre.diffusion.schedule;
