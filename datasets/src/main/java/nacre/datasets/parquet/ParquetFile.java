package nacre.datasets.parquet;

import dev.hardwood.HardwoodContext;
import dev.hardwood.InputFile;
import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.reader.RowGroupPredicate;
import dev.hardwood.schema.ColumnSchema;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;

/**
 * A Parquet file, of which columns are read by name: whole, or the rows of one row group. Columns
 * that nobody asks for are not touched. All errors are one line that names the file and the column.
 * One thread at a time may use it.
 */
public final class ParquetFile implements AutoCloseable {
  /** Most bytes of a column in a row group, uncompressed. */
  private static final long MOST = 1L << 30;

  /** Most rows of a file: a few bytes can claim any number of equal values. */
  private static final long MOST_ROWS = 1 << 24;

  /** Of large values, rows that are copied at a time. */
  private static final int FEW = 4;

  /**
   * Held, because otherwise its level is forgotten: at INFO it tells which CPU features it uses.
   */
  private static final Logger LOGGER = Logger.getLogger("dev.hardwood");

  static {
    if (LOGGER.getLevel() == null) {
      LOGGER.setLevel(Level.WARNING);
    }
  }

  private final Path path;
  private final HardwoodContext context;
  private final ParquetFileReader reader;
  private final List<RowGroup> groups;
  private final long length;

  private ParquetFile(Path path, HardwoodContext context, ParquetFileReader reader, long length) {
    this.path = path;
    this.context = context;
    this.reader = reader;
    this.groups = reader.getFileMetaData().rowGroups();
    this.length = length;
  }

  /**
   * Opens a file and reads its footer.
   *
   * @throws IOException in one line, if it is missing or damaged
   */
  public static ParquetFile open(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new IOException(
          path + ": " + (Files.exists(path) ? "is not a regular file" : "is missing"));
    }
    HardwoodContext context = HardwoodContext.create(1);
    try {
      ParquetFileReader reader =
          ParquetFileReader.open(new PlainNames(InputFile.of(path)), context);
      return new ParquetFile(path, context, reader, Files.size(path));
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      context.close();
      throw new IOException(path + ": is damaged or no Parquet file: " + reason(e), e);
    }
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** The number of row groups. */
  public int rowGroups() {
    return groups.size();
  }

  /** The number of rows of a row group. */
  public int rows(int group) {
    return (int) groups.get(group).numRows();
  }

  /** Whether there is a column of this name. */
  public boolean has(String column) {
    return find(column) != null;
  }

  /** Whether a column holds texts or bytes, as opposed to numbers. */
  public boolean isBinary(String column) throws IOException {
    return column(column).type() == PhysicalType.BYTE_ARRAY;
  }

  /** All values of a column of whole numbers of any width, one a row. */
  public long[] longs(String column) throws IOException {
    LongStream.Builder values = LongStream.builder();
    read(
        column,
        null,
        0,
        batch -> {
          int count = rows(batch);
          switch (batch.getColumnSchema().type()) {
            case INT32 -> Arrays.stream(batch.getInts(), 0, count).forEach(values::add);
            case INT64 -> Arrays.stream(batch.getLongs(), 0, count).forEach(values::add);
            default -> throw wrongType(batch, "whole numbers");
          }
        });
    return values.build().toArray();
  }

  /** All values of a column of numbers of any width, one a row. */
  public double[] doubles(String column) throws IOException {
    DoubleStream.Builder values = DoubleStream.builder();
    read(column, null, 0, batch -> Arrays.stream(numbers(batch, rows(batch))).forEach(values::add));
    return values.build().toArray();
  }

  /**
   * All values of a column of lists of numbers, one list a row.
   *
   * @param size the length that all lists must have
   */
  public List<double[]> vectors(String column, int size) throws IOException {
    List<double[]> vectors = new ArrayList<>();
    read(
        column,
        null,
        0,
        batch -> {
          if (batch.getLayerCount() != 1) {
            throw wrongType(batch, "lists");
          }
          int[] offsets = batch.getLayerOffsets(0);
          double[] numbers = numbers(batch, batch.getValueCount());
          for (int i = 0; i < batch.getRecordCount(); i++) {
            int from = offsets[i];
            int to = offsets[i + 1];
            if (to - from != size || to > numbers.length) {
              throw new IOException(
                  String.format(
                      Locale.ROOT,
                      "has %d numbers in row %d instead of %d",
                      to - from,
                      vectors.size(),
                      size));
            }
            vectors.add(Arrays.copyOfRange(numbers, from, to));
          }
        });
    return vectors;
  }

  /** All values of a column of texts, one a row. */
  public List<String> texts(String column) throws IOException {
    List<String> texts = new ArrayList<>();
    readBinary(column, null, 0, (text, from, to) -> texts.add(text(text, from, to)));
    return texts;
  }

  private static String text(byte[] bytes, int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }

  /**
   * Some values of a column of bytes in one row group, in the order of their rows. The others are
   * not copied.
   *
   * @param rows indices in the row group
   */
  public List<byte[]> bytes(String column, int group, BitSet rows) throws IOException {
    List<byte[]> values = new ArrayList<>();
    int[] row = {0};
    readBinary(
        column,
        groups.get(group),
        FEW,
        (bytes, from, to) -> {
          if (rows.get(row[0]++)) {
            values.add(Arrays.copyOfRange(bytes, from, to));
          }
        });
    return values;
  }

  private interface BinaryVisitor {
    void visit(byte[] bytes, int from, int to);
  }

  private void readBinary(String column, RowGroup group, int batchSize, BinaryVisitor visitor)
      throws IOException {
    read(
        column,
        group,
        batchSize,
        batch -> {
          if (batch.getColumnSchema().type() != PhysicalType.BYTE_ARRAY) {
            throw wrongType(batch, "texts or bytes");
          }
          int count = rows(batch);
          byte[] bytes = batch.getBinaryValues();
          int[] offsets = batch.getBinaryOffsets();
          for (int i = 0; i < count; i++) {
            visitor.visit(bytes, offsets[i], offsets[i + 1]);
          }
        });
  }

  private interface BatchVisitor {
    void visit(ColumnReader batch) throws IOException;
  }

  /** Reads a column of all row groups, or of one. */
  private void read(String column, RowGroup group, int batchSize, BatchVisitor visitor)
      throws IOException {
    ColumnSchema schema = column(column);
    try {
      if (totalRows() > MOST_ROWS) {
        throw new IOException(
            String.format(
                Locale.ROOT, "claims %,d rows; at most %,d are read", totalRows(), MOST_ROWS));
      }
      for (RowGroup g : group == null ? groups : List.of(group)) {
        check(g, schema.columnIndex());
      }
      var builder = reader.buildColumnReader(schema.columnIndex());
      if (group != null) {
        builder = builder.filter(only(group));
      }
      if (batchSize > 0) {
        builder = builder.batchSize(batchSize);
      }
      long rows = 0;
      try (ColumnReader batches = builder.build()) {
        while (batches.nextBatch()) {
          rows += batches.getRecordCount();
          visitor.visit(batches);
        }
      }
      long want = group == null ? totalRows() : group.numRows();
      if (rows != want) {
        throw new IOException(String.format(Locale.ROOT, "has %d rows of %d", rows, want));
      }
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      throw new IOException(
          String.format(Locale.ROOT, "%s: column %s: %s", path, column, reason(e)), e);
    }
  }

  private long totalRows() {
    return groups.stream().mapToLong(RowGroup::numRows).sum();
  }

  /** A row group is chosen by the bytes in which its middle lies. */
  private static RowGroupPredicate only(RowGroup group) {
    long from = group.columns().getFirst().chunkStartOffset();
    long size =
        group.columns().stream().mapToLong(chunk -> chunk.metaData().totalCompressedSize()).sum();
    return RowGroupPredicate.byteRange(from, from + Math.max(1, size));
  }

  /** Sizes that cannot be right are refused before memory is taken for them. */
  private void check(RowGroup group, int column) throws IOException {
    if (column >= group.columns().size()) {
      throw new IOException("is missing in a row group");
    }
    ColumnMetaData data = group.columns().get(column).metaData();
    if (data.totalCompressedSize() < 0 || data.totalCompressedSize() > length) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "claims %,d bytes of a file of %,d",
              data.totalCompressedSize(),
              length));
    }
    if (data.totalUncompressedSize() < 0 || data.totalUncompressedSize() > MOST) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "claims %,d bytes in a row group; at most %,d are read",
              data.totalUncompressedSize(),
              MOST));
    }
  }

  /** The rows of a batch of a column that has one value a row. */
  private static int rows(ColumnReader batch) throws IOException {
    if (batch.getLayerCount() != 0) {
      throw new IOException("holds lists or groups, not a value a row");
    }
    if (batch.getLeafValidity().hasNulls()) {
      throw new IOException("has rows without a value");
    }
    return batch.getRecordCount();
  }

  private static double[] numbers(ColumnReader batch, int count) throws IOException {
    if (batch.getLeafValidity().hasNulls()) {
      throw new IOException("has rows without a value");
    }
    double[] values = new double[count];
    switch (batch.getColumnSchema().type()) {
      case DOUBLE -> System.arraycopy(batch.getDoubles(), 0, values, 0, count);
      case FLOAT -> {
        float[] floats = batch.getFloats();
        Arrays.setAll(values, i -> floats[i]);
      }
      case INT32 -> {
        int[] ints = batch.getInts();
        Arrays.setAll(values, i -> ints[i]);
      }
      case INT64 -> {
        long[] longs = batch.getLongs();
        Arrays.setAll(values, i -> longs[i]);
      }
      default -> throw wrongType(batch, "numbers");
    }
    return values;
  }

  private ColumnSchema find(String name) {
    String plain = PlainNames.of(name);
    for (ColumnSchema column : reader.getFileSchema().getColumns()) {
      if (column.fieldPath().topLevelName().equals(plain)) {
        return column;
      }
    }
    return null;
  }

  private ColumnSchema column(String name) throws IOException {
    ColumnSchema column = find(name);
    if (column == null) {
      throw new IOException(path + ": has no column " + name);
    }
    return column;
  }

  private static IOException wrongType(ColumnReader batch, String want) {
    PhysicalType type = batch.getColumnSchema().type();
    return new IOException(String.format(Locale.ROOT, "is of type %s, not %s", type, want));
  }

  /** One line, of the innermost cause that has one. */
  private static String reason(Throwable e) {
    if (e instanceof OutOfMemoryError) {
      return "claims more memory than there is";
    }
    Throwable root = e;
    while (root.getCause() != null && root.getCause().getMessage() != null) {
      root = root.getCause();
    }
    String message =
        root.getMessage() == null ? root.getClass().getSimpleName() : root.getMessage();
    return message.lines().findFirst().orElse("");
  }

  @Override
  public void close() throws IOException {
    try {
      reader.close();
    } finally {
      context.close();
    }
  }
}
