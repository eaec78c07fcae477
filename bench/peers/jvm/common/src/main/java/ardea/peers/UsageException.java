package ardea.peers;

/** A command line that the adapter does not take. Exit status 2. */
public final class UsageException extends RuntimeException {
  public UsageException(String text) {
    super(text);
  }
}
