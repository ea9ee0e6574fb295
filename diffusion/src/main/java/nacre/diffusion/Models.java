package nacre.diffusion;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Consumer;
import nacre.diffusion.checkpoint.Checkpoint;
import nacre.diffusion.checkpoint.Component;
import nacre.diffusion.lora.LoraMerge;
import nacre.diffusion.text.ClipTextModel;
import nacre.diffusion.unet.UNet2DCondition;
import nacre.diffusion.vae.AutoencoderKL;
import nacre.diffusion.vae.Tiles;
import nacre.nn.Parameters;
import nacre.tensor.DType;
import nacre.tensor.Device;
import nacre.tensor.Tensor;
import nacre.weights.ReadListener;
import nacre.weights.SafeTensors;
import nacre.weights.StateDict;
import nacre.weights.WeightsException;

/**
 * The text encoder, UNet and autoencoder of a checkpoint, kept in memory according to its
 * residency.
 */
final class Models implements AutoCloseable {
  private final Path path;
  private final Device device;
  private final DType dtype;
  private final boolean kept;
  private final Map<Component, Long> bytes;
  private final LoraMerge loras;
  private final Tiles tiles;
  private final Consumer<Phase> onPhase;
  private final LoadedModel<ClipTextModel> textEncoder;
  private final LoadedModel<UNet2DCondition> unet;
  private final LoadedModel<AutoencoderKL> vae;

  /** Nothing is read yet. */
  Models(Checkpoint checkpoint, Device device, LoadOptions options) throws WeightsException {
    this.path = checkpoint.path();
    this.device = device;
    this.dtype = options.dtype();
    this.onPhase = options.onPhase();
    this.tiles = options.tiles();
    this.loras = LoraMerge.of(checkpoint, options.loras());
    this.bytes = bytes(checkpoint, dtype);
    this.kept =
        switch (options.residency()) {
          case ALL -> true;
          case ONE_AT_A_TIME -> false;
          case AUTO -> all(bytes) <= memory(device) / 2;
        };
    this.textEncoder = model(Component.TEXT_ENCODER, checkpoint::readTextEncoder);
    this.unet = model(Component.UNET, checkpoint::readUNet);
    this.vae = model(Component.VAE, checkpoint::readVae);
  }

  /** The tiles of pictures; null for whole ones. */
  Tiles tiles() {
    return tiles;
  }

  /** Reads a model's weights. */
  @FunctionalInterface
  private interface Reader<M> {
    M read(Parameters p, ReadListener listener) throws WeightsException;
  }

  private <M> LoadedModel<M> model(Component component, Reader<M> reader) {
    return new LoadedModel<>(
        p -> {
          M model =
              reader.read(
                  p,
                  (done, total) ->
                      onPhase.accept(new Phase(Phase.Kind.READ, component, done, total)));
          loras.apply(component, p.relative());
          return model;
        },
        kept);
  }

  /** Bytes of each model's weights in a dtype. */
  private static Map<Component, Long> bytes(Checkpoint checkpoint, DType dtype)
      throws WeightsException {
    Map<Component, Long> bytes = new EnumMap<>(Component.class);
    for (Component component : Component.values()) {
      long elements = 0;
      try (StateDict weights = checkpoint.weights(component)) {
        for (SafeTensors.Entry entry : weights.entries().values()) {
          elements += entry.shape().elements();
        }
      }
      bytes.put(component, elements * dtype.bytes());
    }
    return bytes;
  }

  private static long all(Map<Component, Long> bytes) {
    return bytes.values().stream().mapToLong(Long::longValue).sum();
  }

  /** What weights may have: the machine's memory, or what a GPU has free. */
  private static long memory(Device device) {
    return device.isHost()
        ? hostMemory()
        : device.backend().allocator().availableBytes().orElse(Long.MAX_VALUE);
  }

  /**
   * What drawing takes.
   *
   * @param step bytes of a step of the UNet, besides its weights
   * @param decoding bytes of decoding, likewise
   */
  DrawingMemory drawing(long step, long decoding) {
    OptionalLong available = device.backend().allocator().availableBytes();
    if (kept) {
      return new DrawingMemory(all(bytes), Math.max(step, decoding), true, available);
    }
    long unet = bytes.get(Component.UNET);
    long vae = bytes.get(Component.VAE);
    return unet + step >= vae + decoding
        ? new DrawingMemory(unet, step, false, available)
        : new DrawingMemory(vae, decoding, false, available);
  }

  /** Memory of the machine, or of the container. */
  static long hostMemory() {
    return ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
        .getTotalMemorySize();
  }

  /** Tells how many pictures have been decoded. */
  void decoded(long done, long total) {
    onPhase.accept(new Phase(Phase.Kind.DECODE, Component.VAE, done, total));
  }

  Device device() {
    return device;
  }

  DType dtype() {
    return dtype;
  }

  /**
   * Requires what a component computed to be numbers.
   *
   * @throws WeightsException naming the model, if it is not
   */
  void requireFinite(Component component, Tensor computed, String what) throws WeightsException {
    try {
      NotFiniteException.check(computed, what);
    } catch (NotFiniteException e) {
      throw new WeightsException(path, e.getMessage() + "; " + reason(component), e);
    }
  }

  private String reason(Component component) {
    return String.format(
        Locale.ROOT,
        "the weights of its %s are damaged%s",
        component.folder(),
        dtype == DType.F32 ? "" : ", or it needs float32 to compute in rather than " + dtype);
  }

  /** Whether models stay in memory between uses. */
  boolean kept() {
    return kept;
  }

  /** Reads all three, if they stay in memory. */
  void load() throws WeightsException {
    if (kept) {
      textEncoder.load(device, dtype);
      unet.load(device, dtype);
      vae.load(device, dtype);
    }
  }

  <R> R withTextEncoder(LoadedModel.Use<ClipTextModel, R> use) throws WeightsException {
    return textEncoder.use(device, dtype, use);
  }

  <R> R withUNet(LoadedModel.Use<UNet2DCondition, R> use) throws WeightsException {
    return unet.use(device, dtype, use);
  }

  <R> R withVae(LoadedModel.Use<AutoencoderKL, R> use) throws WeightsException {
    return vae.use(device, dtype, use);
  }

  @Override
  public void close() {
    textEncoder.close();
    unet.close();
    vae.close();
  }
}
