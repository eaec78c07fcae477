package ardea.peers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Holds the rows to the code and to the versions that they speak of. */
class RowsTest {
  private static final Path JVM = Path.of("..");
  private static final Path REPOSITORY = Path.of("../../../..");

  private static List<JsonObject> rows() throws IOException {
    List<JsonObject> rows = new ArrayList<>();
    try (var files = Files.newDirectoryStream(JVM.resolve("rows"))) {
      for (Path file : files) {
        for (String line : Files.readAllLines(file)) {
          rows.add(JsonParser.parseString(line).getAsJsonObject());
        }
      }
    }
    assertFalse(rows.isEmpty());
    return rows;
  }

  private static String text(JsonObject row, String key) {
    return row.get(key).getAsString();
  }

  @Test
  void variantsDiffer() throws IOException {
    Set<String> seen = new HashSet<>();
    for (JsonObject row : rows()) {
      assertTrue(seen.add(text(row, "peer") + " " + text(row, "variant")), row::toString);
    }
  }

  @Test
  void versionsAreThoseOfThePom() throws IOException {
    String pom = Files.readString(JVM.resolve("pom.xml"));
    for (JsonObject row : rows()) {
      if (text(row, "missing").isEmpty()) {
        String peer = text(row, "peer");
        String property = "<" + peer + ".version>" + text(row, "version") + "</" + peer + ".version>";
        assertTrue(pom.contains(property), property);
      }
    }
  }

  @Test
  void userCodeIsMarked() throws IOException {
    for (JsonObject row : rows()) {
      JsonObject code = row.getAsJsonObject("code");
      List<String> lines = Files.readAllLines(REPOSITORY.resolve(text(code, "file"))).stream().map(String::trim).toList();
      String begin = "// user code: " + text(code, "region");
      long begins = lines.stream().filter(begin::equals).count();
      assertTrue(begins > 0, row::toString);
      assertEquals(begins, lines.stream().filter("// end of user code"::equals).count(), row::toString);
    }
  }

  @Test
  void oneRowIsForSmoke() throws IOException {
    assertEquals(1, rows().stream().filter(row -> row.get("smoke").getAsBoolean()).count());
  }
}
