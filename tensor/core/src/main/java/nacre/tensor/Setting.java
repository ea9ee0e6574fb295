package nacre.tensor;

import java.util.Locale;

/**
 * One thing that can be set from outside a program: as the system property {@code -Dnacre.NAME} or
 * as the environment variable {@code NACRE_NAME}, of which the property wins.
 */
public enum Setting {
  /** Number of CPU threads to compute with; the number of physical cores unless given. */
  THREADS("threads"),
  /** {@code bundled}, {@code off}, or the path of a shared library of oneDNN. */
  ONEDNN("onednn"),
  /** The folder for unpacked libraries, compiled kernels, and plans of a GPU's libraries. */
  CACHE("cache"),
  /** Folders to look for NVIDIA's libraries in first, separated as in {@code PATH}. */
  CUDA_LIBS("cuda.libs"),
  /** The library of the simulated GPU of the tests. */
  CUDA_SIM("cuda.sim"),
  /** Folders to look for the library of MPI in first, or its path. */
  MPI_LIBS("mpi.libs"),
  /** After how many seconds of silence a rank counts as lost; 45 unless given. */
  RANK_TIMEOUT("rank.timeout"),
  /** {@code on} or {@code off}: whether captured steps become CUDA graphs; on unless given. */
  GRAPH("graph"),
  /** {@code on} or {@code off}: whether f32 products on a GPU may use TF32; off unless given. */
  TF32("tf32"),
  /** {@code on} or {@code off}: whether a GPU times several algorithms; off unless given. */
  TUNE("tune"),
  /** {@code on} or {@code off}: whether layers are named to a GPU's profiler; on where one is. */
  NVTX("nvtx");

  private final String key;

  Setting(String key) {
    this.key = key;
  }

  /** The system property, such as {@code nacre.cuda.libs}. */
  public String property() {
    return "nacre." + key;
  }

  /** The environment variable, such as {@code NACRE_CUDA_LIBS}. */
  public String variable() {
    return "NACRE_" + key.replace('.', '_').toUpperCase(Locale.ROOT);
  }
}
