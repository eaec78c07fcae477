package ardea.peers.hazelcast;

import ardea.peers.Job;
import ardea.peers.Probe;
import com.hazelcast.config.Config;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastInstance;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A member of the cluster. As a program: in a process of its own. */
final class Member {
  static final String CLUSTER = "ardea-peers";

  private Member() {}

  /** Runs a member whose job is in the file of the first argument, at the port that is the second, joining the others. */
  public static void main(String[] arguments) throws IOException, ClassNotFoundException {
    Job job;
    try (ObjectInputStream in = new ObjectInputStream(Files.newInputStream(Path.of(arguments[0])))) {
      job = (Job) in.readObject();
    }
    List<Integer> ports = List.of(arguments).subList(2, arguments.length).stream().map(Integer::valueOf).toList();
    start(job, Integer.parseInt(arguments[1]), ports);
  }

  /** Starts a member at a port of 127.0.0.1 that joins the members at other ports. */
  static HazelcastInstance start(Job job, int port, List<Integer> others) {
    Probe.of(job).onFinish(() -> Counts.report(job));
    Config config = new Config();
    config.setClusterName(CLUSTER);
    config.setProperty("hazelcast.phone.home.enabled", "false");
    config.setProperty("hazelcast.logging.type", "jdk");
    config.setProperty("hazelcast.socket.bind.any", "false");
    config.getJetConfig().setEnabled(true);
    config.getNetworkConfig().setPort(port).setPortAutoIncrement(false);
    config.getNetworkConfig().getInterfaces().setEnabled(true).addInterface("127.0.0.1");
    JoinConfig join = config.getNetworkConfig().getJoin();
    join.getAutoDetectionConfig().setEnabled(false);
    join.getMulticastConfig().setEnabled(false);
    join.getTcpIpConfig().setEnabled(!others.isEmpty());
    others.forEach(other -> join.getTcpIpConfig().addMember("127.0.0.1:" + other));
    return Hazelcast.newHazelcastInstance(config);
  }
}
