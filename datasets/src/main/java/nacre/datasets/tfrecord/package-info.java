/** TFRecord files, TensorFlow's container of records, and the index of their records. */
package nacre.datasets.tfrecord;
