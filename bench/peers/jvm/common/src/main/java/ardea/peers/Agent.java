package ardea.peers;

import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.net.InetAddress;
import java.net.Socket;

/** Lets the adapter reach the probe of another process: it answers one request after the other. */
final class Agent implements Runnable {
  private final Probe probe;
  private final int port;

  private Agent(Probe probe, int port) {
    this.probe = probe;
    this.port = port;
  }

  static void start(Probe probe, int port) {
    Thread thread = new Thread(new Agent(probe, port), "probe");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void run() {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setTcpNoDelay(true);
      ObjectOutputStream out = new ObjectOutputStream(socket.getOutputStream());
      out.writeLong(ProcessHandle.current().pid());
      out.flush();
      ObjectInputStream in = new ObjectInputStream(socket.getInputStream());
      while (true) {
        Request request = (Request) in.readObject();
        out.writeObject(request.apply(probe));
        out.reset();
        out.flush();
      }
    } catch (IOException | ClassNotFoundException e) {
      probe.stop(); // the adapter has gone
    }
  }
}
