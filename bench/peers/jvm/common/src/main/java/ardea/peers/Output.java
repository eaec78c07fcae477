package ardea.peers;

import com.google.gson.JsonObject;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Standard output: JSON lines and nothing else. What systems print goes to standard error. */
final class Output {
  private final PrintStream out;

  Output() {
    this(new FileOutputStream(FileDescriptor.out));
    System.setOut(System.err);
  }

  /** Writes the lines to a stream. */
  Output(OutputStream to) {
    out = new PrintStream(to, false, StandardCharsets.UTF_8);
  }

  synchronized void line(JsonObject object) {
    out.println(object);
    out.flush();
  }

  /** Starts a line of a type. */
  static JsonObject of(String type) {
    JsonObject object = new JsonObject();
    object.addProperty("type", type);
    return object;
  }

  void error(String kind, String text) {
    JsonObject line = of("error");
    line.addProperty("kind", kind);
    line.addProperty("text", text);
    line(line);
  }
}
