package nacre.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Memory;
import nacre.tensor.Scope;
import nacre.tensor.Shape;
import nacre.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The 8-bit floating-point types: every code, against their definition and against PyTorch. */
class Float8Test {
  private static final Device CPU = Device.cpu();

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeft() {
    assertEquals(0, Memory.liveTensors());
  }

  /** What PyTorch wrote: all codes of both types, and its own conversions of them. */
  private static Path reference() {
    try {
      return Path.of(Float8Test.class.getResource("/float8.safetensors").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The value by the definition: (-1)^s · 2^(e - bias) · 1.m, and 0.m below the least exponent. */
  private static double defined(Float8 format, int code) {
    String bits = Integer.toBinaryString(256 | code).substring(1);
    int split = format == Float8.E4M3 ? 5 : 6;
    int bias = format == Float8.E4M3 ? 7 : 15;
    String exponent = bits.substring(1, split);
    String mantissa = bits.substring(split);
    double sign = bits.charAt(0) == '1' ? -1 : 1;
    if (format == Float8.E5M2 && exponent.equals("11111")) {
      return mantissa.equals("00") ? sign * Double.POSITIVE_INFINITY : Double.NaN;
    }
    if (format == Float8.E4M3 && (exponent + mantissa).equals("1111111")) {
      return Double.NaN;
    }
    int e = Integer.parseInt(exponent, 2);
    double value = e == 0 ? 0 : 1;
    for (int i = 0; i < mantissa.length(); i++) {
      value += mantissa.charAt(i) == '1' ? Math.pow(2, -1 - i) : 0;
    }
    return sign * value * Math.pow(2, Math.max(e, 1) - bias);
  }

  @ParameterizedTest
  @EnumSource
  void everyCodeHasTheValueOfTheDefinition(Float8 format) {
    for (int code = 0; code < 256; code++) {
      double wanted = defined(format, code);
      assertEquals(wanted, (double) format.value((byte) code), format + " " + code);
    }
  }

  /** The extremes that the paper's table 1 lists. */
  @ParameterizedTest
  @CsvSource({
    "E4M3, 0x7e, 448", "E4M3, 0x08, 0x1p-6", "E4M3, 0x07, 0x1.cp-7", "E4M3, 0x01, 0x1p-9",
    "E4M3, 0x7f, NaN", "E4M3, 0xff, NaN", "E4M3, 0x80, -0.0", "E4M3, 0xb8, -1",
    "E5M2, 0x7b, 57344", "E5M2, 0x04, 0x1p-14", "E5M2, 0x03, 0x1.8p-15", "E5M2, 0x01, 0x1p-16",
    "E5M2, 0x7c, Infinity", "E5M2, 0xfc, -Infinity", "E5M2, 0x7d, NaN", "E5M2, 0xff, NaN"
  })
  void knownValues(Float8 format, String code, String value) {
    assertEquals(Float.parseFloat(value), format.value(Integer.decode(code).byteValue()));
  }

  @ParameterizedTest
  @CsvSource({"e4m3, F32", "e4m3, F16", "e4m3, BF16", "e5m2, F32", "e5m2, F16", "e5m2, BF16"})
  void loadsAsPyTorchConverts(String name, DType dtype) throws IOException {
    try (Scope _ = Scope.open();
        SafeTensors file = SafeTensors.open(reference())) {
      SafeTensors.Entry stored = file.entry(name);
      assertEquals("F8_" + name.toUpperCase(Locale.ROOT), stored.type().toString());
      float[] loaded = stored.toTensor(CPU, dtype, Layout.SAME).toFloats();
      String theirs = name + "." + dtype;
      assertEquals(StoredType.of(dtype), file.entry(theirs).type());
      float[] wanted = file.entry(theirs).toTensor(CPU, dtype, Layout.SAME).toFloats();
      assertEquals(256, wanted.length);
      assertArrayEquals(wanted, loaded);
    }
  }

  @Test
  void becomesTheParametersOfAModel() throws IOException {
    String header =
        "{\"conv.weight\":{\"dtype\":\"F8_E4M3\",\"shape\":[1,2,1,2],\"data_offsets\":[0,4]},"
            + "\"odd.bias\":{\"dtype\":\"F8_E5M2\",\"shape\":[1],\"data_offsets\":[4,5]}}";
    Path path = folder.resolve("model.safetensors");
    byte[] bytes = HeaderFile.bytes(header.getBytes(StandardCharsets.UTF_8), 5);
    byte[] codes = {0x38, 0x40, 0x44, 0x48, (byte) 0xbc}; // 1 2 3 4 of e4m3, -1 of e5m2
    System.arraycopy(codes, 0, bytes, bytes.length - 5, 5);
    Files.write(path, bytes);
    try (Scope _ = Scope.open();
        StateDict dict = StateDict.open(path)) {
      Tensor weight = Tensor.zeros(CPU, DType.BF16, Shape.of(1, 1, 2, 2));
      Tensor bias = Tensor.zeros(CPU, DType.F32, Shape.of(1));
      dict.loadInto(Map.of("conv.weight", weight, "odd.bias", bias));
      assertArrayEquals(new float[] {1, 3, 2, 4}, weight.toFloats());
      assertArrayEquals(new float[] {-1}, bias.toFloats());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void isConvertedToEveryWiderType(StoredType type) throws IOException {
    Path wide = folder.resolve("wide.safetensors");
    new Conversion(Optional.of(type)).file(reference(), wide);
    Path same = folder.resolve("same.safetensors");
    new Conversion(Optional.empty()).file(reference(), same);
    try (SafeTensors file = SafeTensors.open(wide);
        SafeTensors before = SafeTensors.open(reference());
        SafeTensors after = SafeTensors.open(same)) {
      for (String name : new String[] {"e4m3", "e5m2"}) {
        assertEquals(type, file.entry(name).type());
        SafeTensors.Entry wanted = before.entry(name + "." + type.name().toLowerCase(Locale.ROOT));
        try (Scope _ = Scope.open()) {
          assertArrayEquals(
              wanted.toTensor(CPU, DType.F32, Layout.SAME).toFloats(),
              file.entry(name).toTensor(CPU, DType.F32, Layout.SAME).toFloats());
        }
        assertTrue(after.entry(name).type().isFloat());
        assertEquals(before.entry(name).type(), after.entry(name).type());
        assertEquals(-1, before.entry(name).data().mismatch(after.entry(name).data()));
      }
    }
  }
}
