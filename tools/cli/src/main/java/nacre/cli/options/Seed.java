package nacre.cli.options;

import java.math.BigInteger;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A seed on the command line: 64 bits, signed or not, as {@code torch.Generator().manual_seed}
 * takes it. −1 and 2⁶⁴ − 1 are the same.
 *
 * @param value from −2⁶³ to 2⁶⁴ − 1
 */
public record Seed(BigInteger value) {
  /** The seed where none is given. */
  public static final Seed ZERO = of(0);

  private static final BigInteger SMALLEST = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger LARGEST =
      BigInteger.ONE.shiftLeft(Long.SIZE).subtract(BigInteger.ONE);

  /** A seed that fits a {@code long}. */
  public static Seed of(long value) {
    return new Seed(BigInteger.valueOf(value));
  }

  /** The 64 bits. */
  public long bits() {
    return value.longValue();
  }

  /**
   * The seed of a later picture.
   *
   * @param pictures after the one of this seed
   * @throws UsageException if there is none
   */
  public Seed plus(long pictures) {
    BigInteger sum = value.add(BigInteger.valueOf(pictures));
    if (sum.compareTo(LARGEST) > 0) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "--seed is %s, and of %d pictures the last would have seed %s; the largest is %s",
              value,
              pictures + 1,
              sum,
              LARGEST));
    }
    return new Seed(sum);
  }

  /** The number, as it was given. */
  @Override
  public String toString() {
    return value.toString();
  }

  /** The converter of option values. */
  public static final class Converter implements ITypeConverter<Seed> {
    @Override
    public Seed convert(String text) {
      if (text.matches("[+-]?[0-9]{1,30}")) {
        BigInteger value = new BigInteger(text);
        if (value.compareTo(SMALLEST) >= 0 && value.compareTo(LARGEST) <= 0) {
          return new Seed(value);
        }
      }
      throw new TypeConversionException(
          String.format(
              Locale.ROOT,
              "'%s' is no seed, which is a whole number from %s to %s",
              text,
              SMALLEST,
              LARGEST));
    }
  }
}
