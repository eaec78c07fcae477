package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script that starts the adapter: it wants Java 17 or newer. */
class RunTest {
  private static final int STATUS_MISSING = 3;

  @TempDir Path folder;

  /** What the script says, with a java before all others that tells a version and ends. */
  private Said run(String version, String... arguments) throws IOException, InterruptedException {
    Path java = folder.resolve("java");
    Files.writeString(java, "#!/bin/sh\necho 'openjdk version \"" + version + "\" 2020-01-01' >&2\n");
    assertTrue(java.toFile().setExecutable(true));
    ProcessBuilder builder =
        new ProcessBuilder(Stream.concat(Stream.of("../run"), Stream.of(arguments)).toList()).redirectErrorStream(true);
    builder.environment().merge("PATH", "", (path, nothing) -> folder + ":" + path);
    Process process = builder.start();
    List<String> lines = process.inputReader().lines().toList();
    return new Said(process.waitFor(), lines);
  }

  private record Said(int status, List<String> lines) {
    List<JsonObject> objects() {
      return lines.stream().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList();
    }
  }

  @Test
  void oldJavaIsMissing() throws Exception {
    for (String version : List.of("1.8.0_402", "11.0.2", "16")) {
      Said said = run(version, "list");
      assertEquals(0, said.status);
      assertFalse(said.lines.isEmpty());
      for (JsonObject row : said.objects()) {
        String missing = row.get("missing").getAsString();
        assertTrue(row.get("peer").getAsString().equals("heron") || missing.contains(version), row::toString);
      }
      said = run(version, "run", "--peer", "kafka", "--variant", "at-least-once");
      assertEquals(STATUS_MISSING, said.status);
      assertEquals("missing", said.objects().get(0).get("kind").getAsString());
      assertTrue(said.lines.get(0).contains("17 or newer"), said.lines::toString);
    }
  }

  /** A JDK that tells its version in a file is not started for it. */
  @Test
  void versionIsReadIfItCanBe() throws Exception {
    Path programs = Files.createDirectories(folder.resolve("jdk/bin"));
    Path started = folder.resolve("started");
    Path java = programs.resolve("java");
    Files.writeString(java, "#!/bin/sh\necho >" + started + "\n");
    assertTrue(java.toFile().setExecutable(true));
    Files.writeString(folder.resolve("jdk/release"), "IMPLEMENTOR=\"N/A\"\nJAVA_VERSION=\"11.0.2\"\n");
    Files.createSymbolicLink(folder.resolve("java"), java);
    ProcessBuilder builder = new ProcessBuilder("../run", "list");
    builder.environment().merge("PATH", "", (path, nothing) -> folder + ":" + path);
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor());
    assertTrue(said.contains("java on PATH is 11.0.2"), said);
    assertFalse(Files.exists(started));
  }

  @Test
  void newJavaIsNot() throws Exception {
    for (String version : List.of("17", "17.0.9", "21-ea", "25.0.1+9")) {
      assertFalse(run(version, "list").lines.stream().anyMatch(line -> line.contains("java on PATH")), version);
    }
  }
}
