package nacre.distributed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import nacre.bindings.MpiConstants;
import nacre.bindings.mpi.Mpi;
import nacre.tensor.spi.CollectiveException;

/** The few functions of MPI that are needed, with errors as exceptions. Called by one thread. */
final class Mpi5 {
  /** The most bytes of one message; a count is a C int. */
  static final long MOST_BYTES = 1L << 30;

  private final MpiConstants constants;
  private final MemorySegment number = Arena.ofAuto().allocate(ValueLayout.JAVA_INT);

  Mpi5(MpiConstants constants) {
    this.constants = constants;
  }

  /** A message that is under way. */
  record Request(MemorySegment handle, int peer) {}

  void begin() {
    check(
        Mpi.MPI_Init_thread(MemorySegment.NULL, MemorySegment.NULL, constants.funneled(), number),
        "MPI_Init_thread",
        -1);
    check(
        Mpi.MPI_Comm_set_errhandler(constants.world(), constants.errorsReturn()),
        "MPI_Comm_set_errhandler",
        -1);
  }

  int rank() {
    check(Mpi.MPI_Comm_rank(constants.world(), number), "MPI_Comm_rank", -1);
    return number.get(ValueLayout.JAVA_INT, 0);
  }

  int ranks() {
    check(Mpi.MPI_Comm_size(constants.world(), number), "MPI_Comm_size", -1);
    return number.get(ValueLayout.JAVA_INT, 0);
  }

  /**
   * Begins to send at most {@link #MOST_BYTES}, which stay as they are until it is done.
   *
   * @param arena of the request's handle
   */
  Request send(MemorySegment bytes, int peer, int tag, Arena arena) {
    MemorySegment handle = arena.allocate(ValueLayout.ADDRESS);
    check(
        Mpi.MPI_Isend(
            bytes, (int) bytes.byteSize(), constants.bytes(), peer, tag, constants.world(), handle),
        "MPI_Isend",
        peer);
    return new Request(handle, peer);
  }

  /** Begins to receive as many bytes. */
  Request receive(MemorySegment bytes, int peer, int tag, Arena arena) {
    MemorySegment handle = arena.allocate(ValueLayout.ADDRESS);
    check(
        Mpi.MPI_Irecv(
            bytes, (int) bytes.byteSize(), constants.bytes(), peer, tag, constants.world(), handle),
        "MPI_Irecv",
        peer);
    return new Request(handle, peer);
  }

  /** Whether a message has arrived; it is asked no more then. */
  boolean isDone(Request request) {
    check(Mpi.MPI_Test(request.handle, number, MemorySegment.NULL), "MPI_Test", request.peer);
    return number.get(ValueLayout.JAVA_INT, 0) != 0;
  }

  void end() {
    check(Mpi.MPI_Finalize(), "MPI_Finalize", -1);
  }

  /** Ends all ranks, this one included. */
  void abort(int status) {
    int ignored = Mpi.MPI_Abort(constants.world(), status);
  }

  private void check(int status, String call, int peer) {
    if (status != Mpi.MPI_SUCCESS()) {
      String whom = peer < 0 ? "" : " with rank " + peer;
      throw new CollectiveException("MPI: " + call + whom + ": " + text(status));
    }
  }

  private String text(int status) {
    MemorySegment text = Arena.ofAuto().allocate(constants.errorLength() + 1L);
    return Mpi.MPI_Error_string(status, text, number) == Mpi.MPI_SUCCESS()
        ? text.getString(0).strip().replaceAll("\\s*\\R\\s*", " ")
        : "error " + status;
  }
}
