package ardea.peers;

import java.util.Map;

/** A system that runs the job. */
public interface Peer extends AutoCloseable {
  /** Returns the versions of what takes part, by name. */
  Map<String, String> versions();

  /** Starts the system and the job in it. Returns when the job was taken. */
  void start(Job job, Control control) throws Exception;

  /**
   * Waits until all that was emitted was counted and all final counts were given to probes. Sources were told to stop, or
   * have come to their end.
   *
   * @return whether that came to be
   */
  boolean drain() throws Exception;

  /** Ends the system. */
  @Override
  void close() throws Exception;
}
