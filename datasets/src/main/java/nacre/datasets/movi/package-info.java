/** MOVi-E, the videos of scanned objects that Kubric renders, and those of its kind. */
package nacre.datasets.movi;
