package ardea.peers;

import java.io.Closeable;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** The probes of all processes of a system, seen from the adapter. */
final class Probes implements Closeable {
  private final Probe local = Probe.local();
  private final ServerSocket listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
  private final List<Remote> remotes = new ArrayList<>();
  private final List<Request> lasting = new ArrayList<>(); // for those that come later

  Probes() throws IOException {
    Thread thread = new Thread(this::accept, "probes");
    thread.setDaemon(true);
    thread.start();
  }

  int port() {
    return listener.getLocalPort();
  }

  private void accept() {
    while (true) {
      try {
        Remote remote = new Remote(listener.accept());
        synchronized (this) {
          for (Request request : lasting) {
            remote.ask(request);
          }
          remotes.add(remote);
        }
      } catch (IOException e) {
        if (listener.isClosed()) {
          return;
        }
      }
    }
  }

  /** Asks all, and returns their answers. Processes that have gone are left out from then on. */
  private synchronized List<Serializable> ask(Request request) {
    List<Serializable> answers = new ArrayList<>();
    answers.add(request.apply(local));
    for (Remote remote : List.copyOf(remotes)) {
      try {
        answers.add(remote.ask(request));
      } catch (IOException e) {
        remotes.remove(remote);
      }
    }
    return answers;
  }

  /** Tells all, and those that come later. */
  synchronized void tell(Request.Kind kind, long t) {
    Request request = new Request(kind, t);
    lasting.add(request);
    ask(request);
  }

  Snapshot snapshot() {
    Snapshot sum = new Snapshot();
    ask(new Request(Request.Kind.SNAPSHOT, 0)).forEach(s -> sum.add((Snapshot) s));
    sum.t = System.nanoTime();
    return sum;
  }

  Report report() {
    Report sum = new Report();
    ask(new Request(Request.Kind.REPORT, 0)).forEach(r -> sum.add((Report) r));
    return sum;
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }

  /** The probe of another process. */
  private static final class Remote {
    private final ObjectOutputStream out;
    private final ObjectInputStream in;

    Remote(Socket socket) throws IOException {
      socket.setTcpNoDelay(true);
      out = new ObjectOutputStream(socket.getOutputStream());
      out.flush();
      in = new ObjectInputStream(socket.getInputStream());
      in.readLong(); // the pid, for those who debug
    }

    Serializable ask(Request request) throws IOException {
      try {
        out.writeObject(request);
        out.reset();
        out.flush();
        return (Serializable) in.readObject();
      } catch (ClassNotFoundException e) {
        throw new IOException(e);
      }
    }
  }
}
