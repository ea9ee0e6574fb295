package nacre.evaluation.benchmark;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import nacre.neuralassets.data.Draws;
import nacre.neuralassets.edit.Edit;
import nacre.neuralassets.render.SceneConfig;
import nacre.neuralassets.render.SceneDescription;
import nacre.neuralassets.render.SceneDescription.Solid;
import nacre.neuralassets.render.SceneGenerator;
import nacre.neuralassets.render.Shape;
import nacre.neuralassets.scene.Vec3;

/**
 * The drawing of the benchmark's edits: a fixed sequence of proposals, of which checks take one.
 */
final class EditDrawing {
  /** The seed of the scenes: odd, as those of no run are. */
  private static final long SEED = 0x6564697431L;

  /** Proposals for one case; the scenes of its donors are numbered after all others. */
  private static final int PROPOSALS = 1000;

  private static final long DONORS = 1_000_000_000L;

  /** Numbers of one proposal, four a block. */
  private static final int BLOCKS = 64;

  private static final EditKind[] OF_OBJECTS = {
    EditKind.TRANSLATE, EditKind.ROTATE, EditKind.RESIZE, EditKind.REMOVE, EditKind.REPLACE
  };

  private final SceneConfig config;
  private final SceneGenerator generator;
  private final EditChecks checks;

  EditDrawing(SceneConfig config) {
    this.config = config;
    generator = new SceneGenerator(config, SEED);
    checks = new EditChecks(config);
  }

  /** The edit of a case: the first proposal that passes the checks. */
  EditDraft draw(int number, EditKind kind) {
    for (int proposal = 0; proposal < PROPOSALS; proposal++) {
      Optional<EditDraft> draft = new Proposal(number, proposal).of(kind);
      if (draft.isPresent() && checks.pass(draft.get())) {
        return draft.get();
      }
    }
    throw new IllegalStateException("no proposal for case " + number + " passes the checks");
  }

  private final class Proposal {
    private final long scene;
    private final String donor;
    private final Draws draws;
    private final SceneDescription still;
    private final Map<String, SceneDescription> donors = new HashMap<>();

    Proposal(int number, int proposal) {
      scene = (long) number * PROPOSALS + proposal;
      donor = "donor-" + number;
      draws = new Draws(SEED, number, (long) proposal * BLOCKS);
      still = EditDraft.still(generator.describe(scene), draws.below(config.frames()));
    }

    Optional<EditDraft> of(EditKind kind) {
      List<Edit> edits =
          switch (kind) {
            case BACKGROUND -> List.of(background());
            case SEVERAL -> several();
            default -> edit(kind, draws.below(still.objects().size())).stream().toList();
          };
      return edits.isEmpty()
          ? Optional.empty()
          : Optional.of(new EditDraft(kind, still, donors, edits));
    }

    /** Two or three objects, each edited in another way; none if one of them cannot be. */
    private List<Edit> several() {
      int most = Math.min(3, still.objects().size());
      int count = most < 2 ? 0 : 2 + draws.below(most - 1);
      int[] objects = draws.permutation(still.objects().size());
      int[] kinds = draws.permutation(OF_OBJECTS.length);
      List<Edit> edits = new ArrayList<>();
      for (int k = 0; k < count; k++) {
        edit(OF_OBJECTS[kinds[k]], objects[k]).ifPresent(edits::add);
      }
      return edits.size() == count ? edits : List.of();
    }

    private Optional<Edit> edit(EditKind kind, int object) {
      Solid solid = still.objects().get(object);
      return switch (kind) {
        case TRANSLATE -> {
          double way = between(0.8, 2.2);
          double course = between(0, 2 * Math.PI);
          Vec3 by =
              new Vec3(
                  hundredths(way * StrictMath.cos(course)),
                  hundredths(way * StrictMath.sin(course)),
                  0);
          yield Optional.of(new Edit.Translate(solid.name(), by));
        }
        case ROTATE -> {
          double degrees = Math.rint(between(45, 135));
          yield Optional.of(
              new Edit.Rotate(solid.name(), draws.next() < 0.5 ? degrees : -degrees, null));
        }
        case RESIZE -> {
          double factor = draws.next() < 0.5 ? between(0.65, 0.8) : between(1.25, 1.5);
          yield Optional.of(new Edit.Resize(solid.name(), hundredths(factor)));
        }
        case REMOVE -> Optional.of(new Edit.Remove(solid.name()));
        case REPLACE -> replace(solid);
        case BACKGROUND, SEVERAL -> throw new IllegalArgumentException(kind + " edits no object");
      };
    }

    /** By an object of another scene; a torus has a box that no other shape has. */
    private Optional<Edit> replace(Solid solid) {
      SceneDescription clip = generator.describe(DONORS + scene);
      SceneDescription from = EditDraft.still(clip, draws.below(config.frames()));
      Solid by = from.objects().get(draws.below(from.objects().size()));
      if ((by.shape() == Shape.TORUS) != (solid.shape() == Shape.TORUS)) {
        return Optional.empty();
      }
      donors.put(donor, from);
      return Optional.of(new Edit.Replace(solid.name(), new Edit.Donor(donor, by.name())));
    }

    /**
     * Another scene that this frame's camera takes: the model is told that the background stays
     * where it is.
     */
    private Edit background() {
      SceneDescription from =
          EditDraft.still(generator.describe(DONORS + scene), draws.below(config.frames()));
      donors.put(
          donor,
          new SceneDescription(still.cameras(), from.objects(), from.ground(), from.light()));
      return new Edit.Background(donor);
    }

    private double between(double low, double high) {
      return low + (high - low) * draws.next();
    }

    /** Numbers that one can type. */
    private static double hundredths(double value) {
      return Math.rint(value * 100) / 100;
    }
  }
}
