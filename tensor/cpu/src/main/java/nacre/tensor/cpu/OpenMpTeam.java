package nacre.tensor.cpu;

import java.util.function.IntConsumer;
import nacre.bindings.OpenMp;

/** The threads of oneDNN's OpenMP runtime, so that its primitives and our loops share them. */
final class OpenMpTeam implements Team {
  private final int threads = OpenMp.threads();

  @Override
  public int threads() {
    return threads;
  }

  @Override
  public boolean runsLibrary() {
    return true;
  }

  @Override
  public String describe() {
    return threads + (threads == 1 ? " thread" : " threads");
  }

  @Override
  public void runAll(IntConsumer part) {
    OpenMp.parallel(
        (thread, all) -> {
          // Inside another region the team is one member, who does every part.
          for (int t = thread; t < threads; t += all) {
            part.accept(t);
          }
        });
  }
}
