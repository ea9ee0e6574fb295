package nacre.cli.output;

import com.google.protobuf.ByteString;
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
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;
import nacre.cli.output.tensorboard.Event;
import nacre.cli.output.tensorboard.SessionLog;
import nacre.cli.output.tensorboard.SessionLog.SessionStatus;
import nacre.cli.output.tensorboard.Summary;
import nacre.cli.output.tensorboard.Summary.Value;
import nacre.cli.output.tensorboard.SummaryMetadata;
import nacre.cli.output.tensorboard.SummaryMetadata.PluginData;
import nacre.cli.output.tensorboard.Tensor;
import nacre.cli.output.tensorboard.Tensor.DataType;

/**
 * A TensorBoard event file: scalars, pictures and texts over training steps. Every start of a run
 * writes a file of its own into the run's folder; TensorBoard joins them by name, which begins with
 * the time. Each call reaches the operating system before it returns, so that a killed run loses
 * nothing that was logged. Not for use by several threads at once.
 *
 * <p>Format: TFRecord framing (length, masked CRC32C, data, masked CRC32C; little endian) around
 * {@code Event} messages, as src/main/protobuf/event.proto has them.
 */
public final class EventFile implements AutoCloseable {
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
      file.write(file.event().setFileVersion("brain.Event:2"));
      SessionLog.Builder start = SessionLog.newBuilder().setStatus(SessionStatus.START);
      file.write(file.event().setStep(firstStep).setSessionLog(start));
    } catch (IOException e) {
      file.close();
      throw e;
    }
    return file;
  }

  private static EventFile open(Path folder, Clock clock) throws IOException {
    String rest = String.format(Locale.ROOT, "%s.%d", hostName(), ProcessHandle.current().pid());
    for (int attempt = 0; ; attempt++) {
      // TensorBoard reads the files in the order of their names.
      String name =
          String.format(
              Locale.ROOT, "events.out.tfevents.%010d.%s.%d", clock.millis() / 1000, rest, attempt);
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
    Summary.Builder summary = Summary.newBuilder();
    values.forEach(
        (tag, value) -> summary.addValueBuilder().setTag(tag).setSimpleValue(value.floatValue()));
    write(event().setStep(step).setSummary(summary));
  }

  /** Logs a picture. */
  public void image(String tag, long step, BufferedImage picture) throws IOException {
    Summary.Image image =
        Summary.Image.newBuilder()
            .setHeight(picture.getHeight())
            .setWidth(picture.getWidth())
            .setColorspace(picture.getColorModel().getNumComponents()) // 3 is RGB, 4 RGBA
            .setEncodedImageString(ByteString.copyFrom(PngMetadata.encode(picture, Map.of())))
            .build();
    write(step, Value.newBuilder().setTag(tag).setImage(image));
  }

  /** Logs a text, which TensorBoard shows as Markdown: the preset of the run, for instance. */
  public void text(String tag, long step, String markdown) throws IOException {
    Tensor.Builder tensor =
        Tensor.newBuilder()
            .setDtype(DataType.DT_STRING)
            .setTensorShape(Tensor.Shape.getDefaultInstance())
            .addStringVal(ByteString.copyFromUtf8(markdown));
    PluginData.Builder plugin = PluginData.newBuilder().setPluginName("text");
    SummaryMetadata.Builder metadata = SummaryMetadata.newBuilder().setPluginData(plugin);
    write(step, Value.newBuilder().setTag(tag).setTensor(tensor).setMetadata(metadata));
  }

  /** The file being written. */
  public Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private Event.Builder event() {
    return Event.newBuilder().setWallTime(clock.millis() / 1e3);
  }

  private void write(long step, Value.Builder value) throws IOException {
    write(event().setStep(step).setSummary(Summary.newBuilder().addValue(value)));
  }

  private void write(Event.Builder event) throws IOException {
    byte[] data = event.build().toByteArray();
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
      throw new IOException(
          String.format(Locale.ROOT, "cannot write %s: %s", path, e.getMessage()), e);
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
