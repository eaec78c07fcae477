package ardea.peers.hazelcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.hazelcast.internal.serialization.Data;
import com.hazelcast.internal.serialization.InternalSerializationService;
import com.hazelcast.internal.serialization.impl.DefaultSerializationServiceBuilder;
import com.hazelcast.internal.serialization.impl.SerializationConstants;
import com.hazelcast.jet.accumulator.LongAccumulator;
import com.hazelcast.jet.datamodel.Tuple2;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What snapshots hold and members send must not be written by Java's own serialization, which is slow. */
class SerializersTest {
  @Test
  void nothingIsWrittenByJava() {
    InternalSerializationService service = new DefaultSerializationServiceBuilder().build();
    Stream.of("word", 7L, Tuple2.tuple2("word", 7L), new LongAccumulator(7))
        .forEach(
            object -> {
              Data data = service.toData(object);
              assertNotEquals(SerializationConstants.JAVA_DEFAULT_TYPE_SERIALIZABLE, data.getType(), object::toString);
              assertNotEquals(SerializationConstants.JAVA_DEFAULT_TYPE_EXTERNALIZABLE, data.getType(), object::toString);
              assertEquals(object, service.toObject(data));
            });
    service.dispose();
  }
}
