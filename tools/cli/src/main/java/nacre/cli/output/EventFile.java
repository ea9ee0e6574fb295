package nacre.cli.output;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Map;
import java.util.zip.CRC32C;

/**
 * A TensorBoard event file: scalars, pictures and texts over training steps. Every start of a run
 * writes a file of its own into the run's folder; TensorBoard joins them by name, which begins with
 * the time. Each call reaches the operating system before it returns, so that a killed run loses
 * nothing that was logged. Not for use by several threads at once.
 *
 * <p>Format: TFRecord framing (length, masked CRC32C, data, masked CRC32C; little endian) around
 * {@code Event} messages, as in tensorflow/core/util/event.proto and framework/summary.proto.
 */
public final class EventFile implements AutoCloseable {
  // Fields of Event, Summary.Value, Summary.Image and SessionLog.
  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;
  private static final int SESSION_LOG = 7;
  private static final int VALUE = 1;
  private static final int TAG = 1;
  private static final int SIMPLE_VALUE = 2;
  private static final int IMAGE = 4;
  private static final int TENSOR = 8;
  private static final int METADATA = 9;
  private static final int START = 1;

  private static final int CRC_MASK_DELTA = 0xa282ead8;

  private final Path path;
  private final FileChannel channel;
  private final Clock clock;

  private EventFile(Path path, Clock clock) throws IOException {
    this.path = path;
    this.clock = clock;
    this.channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  /**
   * Starts a file in {@code folder}, which is created where missing.
   *
   * @param firstStep the first step that this start of the run will log. TensorBoard drops what
   *     earlier files hold at that step and beyond, which a run that was killed after its last
   *     checkpoint computes again. 0 for a new run.
   */
  public static EventFile create(Path folder, long firstStep) throws IOException {
    return create(folder, firstStep, Clock.systemUTC());
  }

  static EventFile create(Path folder, long firstStep, Clock clock) throws IOException {
    Files.createDirectories(folder);
    EventFile file = open(folder, clock);
    try {
      file.write(file.event().text(FILE_VERSION, "brain.Event:2"));
      ProtoMessage start = new ProtoMessage().varint(1, START);
      file.write(file.event().varint(STEP, firstStep).message(SESSION_LOG, start));
    } catch (IOException e) {
      file.close();
      throw e;
    }
    return file;
  }

  private static EventFile open(Path folder, Clock clock) throws IOException {
    String rest = "%s.%d".formatted(hostName(), ProcessHandle.current().pid());
    for (int attempt = 0; ; attempt++) {
      // TensorBoard reads the files in the order of their names.
      String name =
          "events.out.tfevents.%010d.%s.%d".formatted(clock.millis() / 1000, rest, attempt);
      try {
        return new EventFile(folder.resolve(name), clock);
      } catch (FileAlreadyExistsException startedTwiceWithinASecond) {
        if (attempt == 9) {
          throw startedTwiceWithinASecond;
        }
      }
    }
  }

  /** Logs one number. */
  public void scalar(String tag, long step, double value) throws IOException {
    scalars(step, Map.of(tag, value));
  }

  /** Logs several numbers of one step in one event. */
  public void scalars(long step, Map<String, Double> values) throws IOException {
    ProtoMessage summary = new ProtoMessage();
    values.forEach(
        (tag, value) ->
            summary.message(
                VALUE,
                new ProtoMessage().text(TAG, tag).float32(SIMPLE_VALUE, value.floatValue())));
    write(event().varint(STEP, step).message(SUMMARY, summary));
  }

  /** Logs a picture. */
  public void image(String tag, long step, BufferedImage picture) throws IOException {
    ProtoMessage image =
        new ProtoMessage()
            .varint(1, picture.getHeight())
            .varint(2, picture.getWidth())
            .varint(3, picture.getColorModel().getNumComponents()) // 3 is RGB, 4 RGBA
            .bytes(4, PngMetadata.encode(picture, Map.of()));
    ProtoMessage value = new ProtoMessage().text(TAG, tag).message(IMAGE, image);
    write(event().varint(STEP, step).message(SUMMARY, new ProtoMessage().message(VALUE, value)));
  }

  /** Logs a text, which TensorBoard shows as Markdown: the preset of the run, for instance. */
  public void text(String tag, long step, String markdown) throws IOException {
    ProtoMessage plugin = new ProtoMessage().message(1, new ProtoMessage().text(1, "text"));
    ProtoMessage tensor = new ProtoMessage().varint(1, 7).text(8, markdown); // 7 is DT_STRING
    tensor.message(2, new ProtoMessage()); // a scalar's shape
    ProtoMessage value =
        new ProtoMessage().text(TAG, tag).message(TENSOR, tensor).message(METADATA, plugin);
    write(event().varint(STEP, step).message(SUMMARY, new ProtoMessage().message(VALUE, value)));
  }

  /** The file being written. */
  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private ProtoMessage event() {
    return new ProtoMessage().float64(WALL_TIME, clock.millis() / 1e3);
  }

  private void write(ProtoMessage event) throws IOException {
    byte[] data = event.toByteArray();
    ByteBuffer record = ByteBuffer.allocate(data.length + 16).order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(data.length);
    record.putInt(maskedCrc(record.array(), 0, Long.BYTES));
    record.put(data);
    record.putInt(maskedCrc(data, 0, data.length));
    record.flip();
    try {
      while (record.hasRemaining()) {
        channel.write(record);
      }
    } catch (IOException e) {
      throw new IOException("cannot write %s: %s".formatted(path, e.getMessage()), e);
    }
  }

  static int maskedCrc(byte[] bytes, int offset, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, offset, length);
    return Integer.rotateRight((int) crc.getValue(), 15) + CRC_MASK_DELTA;
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9-]", "_");
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }
}
