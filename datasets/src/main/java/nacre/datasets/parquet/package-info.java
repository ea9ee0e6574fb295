/** Parquet files, read a column of a row group at a time. */
package nacre.datasets.parquet;
