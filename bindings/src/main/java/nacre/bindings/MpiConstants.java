package nacre.bindings;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import nacre.bindings.mpi.Mpi;
import nacre.bindings.openmpi.OpenMpi;

/**
 * What differs between the two binary interfaces of MPI; functions have the same names and the same
 * kinds of arguments in both, and are called by {@link Mpi}.
 *
 * @param world the communicator of all ranks
 * @param bytes the datatype of bytes
 * @param errorsReturn the error handler that has functions answer with a code
 * @param noRequest the request that is none
 * @param funneled the level of thread support where one thread calls MPI
 * @param errorLength room for an error's text, in bytes
 * @param versionLength room for the library's description, in bytes
 */
public record MpiConstants(
    MemorySegment world,
    MemorySegment bytes,
    MemorySegment errorsReturn,
    MemorySegment noRequest,
    int funneled,
    int errorLength,
    int versionLength) {

  /** Those of the standard ABI of MPI 5. */
  static MpiConstants standard() {
    return new MpiConstants(
        Mpi.MPI_COMM_WORLD(),
        Mpi.MPI_BYTE(),
        Mpi.MPI_ERRORS_RETURN(),
        Mpi.MPI_REQUEST_NULL(),
        Mpi.MPI_THREAD_FUNNELED(),
        Mpi.MPI_MAX_ERROR_STRING(),
        Mpi.MPI_MAX_LIBRARY_VERSION_STRING());
  }

  /** Those of Open MPI 4 and 5, whose handles are the addresses of variables. */
  static MpiConstants ofOpenMpi(SymbolLookup library) {
    return new MpiConstants(
        library.findOrThrow("ompi_mpi_comm_world"),
        library.findOrThrow("ompi_mpi_byte"),
        library.findOrThrow("ompi_mpi_errors_return"),
        library.findOrThrow("ompi_request_null"),
        OpenMpi.MPI_THREAD_FUNNELED(),
        OpenMpi.MPI_MAX_ERROR_STRING(),
        OpenMpi.MPI_MAX_LIBRARY_VERSION_STRING());
  }
}
