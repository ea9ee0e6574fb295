/** The Waymo Open Dataset, as Parquet files (2.0) and as TFRecords of frames (1.x). */
package nacre.datasets.waymo;
