package ardea.peers;

/** Something that is not on this machine. Exit status 3. */
public final class MissingException extends RuntimeException {
  public MissingException(String text) {
    super(text);
  }
}
