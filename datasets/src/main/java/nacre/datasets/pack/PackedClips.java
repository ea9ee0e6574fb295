package nacre.datasets.pack;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import nacre.datasets.pack.proto.PackedClip;
import nacre.datasets.picture.EncodedPicture;
import nacre.neuralassets.data.ClipSource;
import nacre.neuralassets.data.ClipSourceProvider;
import nacre.neuralassets.scene.Camera;
import nacre.neuralassets.scene.ObjectView;
import nacre.neuralassets.scene.Scene;
import nacre.neuralassets.scene.SceneFrame;

/** The clips of a pack, which {@link PackWriter} wrote: the kind {@code packed}. */
public final class PackedClips implements ClipSource {
  private final Path root;
  private final PackFolder.Settings settings;
  private final List<Place> clips = new ArrayList<>();

  /** Opened when first read, and kept open. */
  private final Map<Path, ZipFile> shards = new HashMap<>();

  private record Place(Path shard, int number, PackFolder.Entry entry) {}

  private PackedClips(Path root, List<PackFolder> packs) throws IOException {
    this.root = root;
    settings = packs.getFirst().settings();
    for (PackFolder pack : packs) {
      List<List<PackFolder.Entry>> all = pack.shards();
      for (int shard = 0; shard < all.size(); shard++) {
        Iterator<PackFolder.Entry> entries = all.get(shard).iterator();
        for (int number = 0; entries.hasNext(); number++) {
          clips.add(new Place(pack.shard(shard), number, entries.next()));
        }
      }
    }
  }

  /** The packs of a folder in the order of their shares, each of which must be there once. */
  private static List<PackFolder> ordered(Path root, List<PackFolder> packs) throws IOException {
    SortedMap<Integer, PackFolder> parts = new TreeMap<>();
    PackFolder first = packs.getFirst();
    int ranks = first.settings().share().ranks();
    for (PackFolder pack : packs) {
      PackFolder.Settings settings = pack.settings();
      if (!settings.isOfPackOf(first.settings())) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s: is not a part of the same pack as %s; put packs of other data or another size"
                    + " elsewhere",
                pack.root(),
                first.root()));
      }
      PackFolder other = parts.put(settings.share().rank(), pack);
      if (other != null) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s and %s: are both part %d of %d; put one of them elsewhere",
                other.root(),
                pack.root(),
                settings.share().rank() + 1,
                ranks));
      }
    }
    for (int rank = 0; rank < ranks; rank++) {
      if (!parts.containsKey(rank)) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s: part %2$d of %3$d is missing; nacre data pack --share %2$d/%3$d makes it",
                root,
                rank + 1,
                ranks));
      }
    }
    return List.copyOf(parts.values());
  }

  /**
   * Opens a pack, or all parts of one that several processes wrote, each into a folder in this one;
   * of what is not finished, what there is.
   *
   * @throws IOException in one line, if there is none, or it is damaged
   */
  public static PackedClips open(Path root) throws IOException {
    List<PackFolder> packs = PackFolder.in(root);
    if (packs.isEmpty()) {
      throw new IOException(root + ": is no pack; nacre data pack writes them");
    }
    return new PackedClips(root, ordered(root, packs));
  }

  @Override
  public int size() {
    return clips.size();
  }

  @Override
  public String id(int index) {
    return clips.get(index).entry().id();
  }

  @Override
  public String name(int index) {
    Place place = clips.get(index);
    return place.shard() + ":" + PackFolder.clip(place.number());
  }

  @Override
  public String describe() {
    return String.format(
        Locale.ROOT, "%s, a pack of %s at %d pixels", root, settings.source(), settings.size());
  }

  @Override
  public Scene scene(int index) throws IOException {
    Place place = clips.get(index);
    PackedClip clip = PackedClip.parseFrom(bytes(place.shard(), PackFolder.clip(place.number())));
    try {
      return scene(place, clip);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new IOException(name(index) + ": is damaged: " + e.getMessage(), e);
    }
  }

  private Scene scene(Place place, PackedClip clip) {
    List<SceneFrame> frames = new ArrayList<>();
    for (int t = 0; t < clip.getFramesCount(); t++) {
      Camera camera = PackedMessages.camera(clip.getFrames(t));
      List<ObjectView> views = PackedMessages.views(clip.getFrames(t));
      frames.add(new Frame(place, t, camera, views));
    }
    int side = settings.size();
    return new Scene(side, side, PackedMessages.up(clip), PackedMessages.entities(clip), frames);
  }

  private final class Frame extends SceneFrame.Stored {
    private final Place place;
    private final int index;
    private final List<ObjectView> views;

    Frame(Place place, int index, Camera camera, List<ObjectView> views) {
      super(camera, ObjectView.boxes(views));
      this.place = place;
      this.index = index;
      this.views = views;
    }

    @Override
    protected List<ObjectView> readViews() {
      return views;
    }

    @Override
    protected byte[] readRgb() throws IOException {
      String entry = PackFolder.frame(place.number(), index);
      String where = place.shard() + ":" + entry;
      byte[] png = bytes(place.shard(), entry);
      return new EncodedPicture(png, where).rgb(settings.size(), settings.size());
    }
  }

  private byte[] bytes(Path shard, String name) throws IOException {
    String place = shard + ":" + name;
    ZipFile zip = zip(shard);
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      throw new IOException(place + ": is missing");
    }
    byte[] bytes;
    try (InputStream in = zip.getInputStream(entry)) {
      bytes = in.readAllBytes();
    }
    CRC32 crc = new CRC32(); // a ZipFile does not look at it
    crc.update(bytes);
    if (crc.getValue() != entry.getCrc()) {
      throw new IOException(place + ": is damaged, its checksum is another");
    }
    return bytes;
  }

  private synchronized ZipFile zip(Path shard) throws IOException {
    ZipFile zip = shards.get(shard);
    if (zip == null) {
      try {
        zip = new ZipFile(shard.toFile());
      } catch (IOException e) {
        throw new IOException(shard + ": cannot be read: " + e.getMessage(), e);
      }
      shards.put(shard, zip);
    }
    return zip;
  }

  /** The kind {@code packed}. */
  public static final class Provider implements ClipSourceProvider {
    @Override
    public String name() {
      return "packed";
    }

    @Override
    public boolean recognizes(Path path) {
      return !PackFolder.in(path).isEmpty();
    }

    @Override
    public ClipSource open(String location, Request request) throws IOException {
      return PackedClips.open(Path.of(location));
    }
  }
}
