package nacre.lab;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The architecture: which part may depend on which. */
class HouseTest {
  private static final String[] MODULES = {
    "bindings",
    "tensor/core",
    "tensor/cpu",
    "tensor/cuda",
    "distributed",
    "weights",
    "nn",
    "diffusion",
    "neuralassets",
    "datasets",
    "evaluation",
    "tools/cli",
    "tools/studio",
    "tools/lab"
  };
  private static JavaClasses house;

  @BeforeAll
  static void readAllModules() {
    house =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPaths(
                Stream.of(MODULES)
                    .map(module -> Path.of("../..", module, "target/classes"))
                    .toList());
    assertTrue(house.size() > 600, "only " + house.size() + " classes were found");
  }

  @Test
  void arrowsRunDownwardsOnly() {
    layeredArchitecture()
        .consideringOnlyDependenciesInAnyPackage("nacre..")
        .layer("bindings")
        .definedBy("nacre.bindings..")
        .layer("core")
        .definedBy("nacre.tensor", "nacre.tensor.ops", "nacre.tensor.spi", "nacre.tensor.reference")
        .layer("cpu")
        .definedBy("nacre.tensor.cpu..")
        .layer("cuda")
        .definedBy("nacre.tensor.cuda..")
        .layer("distributed")
        .definedBy("nacre.distributed..")
        .layer("weights")
        .definedBy("nacre.weights..")
        .layer("nn")
        .definedBy("nacre.nn..")
        .layer("diffusion")
        .definedBy("nacre.diffusion..")
        .layer("neuralassets")
        .definedBy("nacre.neuralassets..")
        .layer("datasets")
        .definedBy("nacre.datasets..")
        .layer("evaluation")
        .definedBy("nacre.evaluation..")
        .layer("cli")
        .definedBy("nacre.cli..")
        .layer("studio")
        .definedBy("nacre.studio..")
        .layer("lab")
        .definedBy("nacre.lab..")
        // The lab is not shipped; it times the bindings themselves.
        .whereLayer("bindings")
        .mayOnlyBeAccessedByLayers("cpu", "cuda", "distributed", "lab")
        .whereLayer("core")
        .mayNotAccessAnyLayer()
        .whereLayer("cpu")
        .mayOnlyAccessLayers("core", "bindings")
        .whereLayer("cuda")
        .mayOnlyAccessLayers("core", "bindings")
        .whereLayer("distributed")
        .mayOnlyAccessLayers("core", "bindings")
        .whereLayer("weights")
        .mayOnlyAccessLayers("core")
        .whereLayer("nn")
        .mayOnlyAccessLayers("core", "weights")
        .whereLayer("diffusion")
        .mayOnlyAccessLayers("core", "weights", "nn")
        .whereLayer("neuralassets")
        .mayOnlyAccessLayers("core", "weights", "nn", "diffusion")
        .whereLayer("datasets")
        .mayOnlyAccessLayers("core", "weights", "neuralassets")
        .whereLayer("evaluation")
        .mayOnlyAccessLayers("core", "weights", "nn", "diffusion", "neuralassets")
        .whereLayer("cli")
        .mayOnlyAccessLayers(
            "core",
            "distributed",
            "weights",
            "nn",
            "diffusion",
            "neuralassets",
            "datasets",
            "evaluation")
        .whereLayer("studio")
        .mayOnlyAccessLayers("core", "weights", "nn", "diffusion", "neuralassets", "cli")
        .check(house);
  }

  /** But that a tensor asks its backend, and a backend is told of tensors. */
  @Test
  void noPackagesImportEachOtherInACircle() {
    slices()
        .matching("nacre.(**)")
        .should()
        .beFreeOfCycles()
        .ignoreDependency(resideInAPackage("nacre.tensor.spi"), resideInAPackage("nacre.tensor"))
        .check(house);
  }

  @Test
  void nothingAboveTheCoreAsksWhichBackendItRunsOn() {
    noClasses()
        .that(
            resideInAnyPackage(
                "nacre.weights..",
                "nacre.nn..",
                "nacre.diffusion..",
                "nacre.neuralassets..",
                "nacre.datasets..",
                "nacre.evaluation.."))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("nacre.tensor.cpu..", "nacre.tensor.cuda..", "nacre.bindings..")
        .check(house);
  }

  /** Numbers and names are the same in every language: {@code Locale.ROOT} is given. */
  @Test
  void nothingIsFormattedInTheUsersLanguage() {
    noClasses()
        .that()
        .resideOutsideOfPackages("nacre.cli.output.tensorboard..", "nacre.bindings.*") // generated
        .should()
        .callMethod(String.class, "formatted", Object[].class)
        .orShould()
        .callMethod(String.class, "format", String.class, Object[].class)
        .orShould()
        .callMethod(String.class, "toLowerCase")
        .orShould()
        .callMethod(String.class, "toUpperCase")
        .orShould()
        .callMethod(PrintStream.class, "printf", String.class, Object[].class)
        .orShould()
        .callMethod(PrintStream.class, "format", String.class, Object[].class)
        .orShould()
        .callMethod(PrintWriter.class, "printf", String.class, Object[].class)
        .orShould()
        .callMethod(PrintWriter.class, "format", String.class, Object[].class)
        .check(house);
  }
}
