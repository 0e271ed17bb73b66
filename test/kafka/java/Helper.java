import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own clients for tests of ours: a command per line of the standard input, its words apart by tabs; the answer is
 * any number of lines and one that is "done", or "failed" and why. Processes that it was told of by "own" end with it,
 * so none is left behind by a test that dies.
 */
public final class Helper {
  private static final Set<Long> owned = new HashSet<>();

  public static void main(String[] arguments) throws Exception {
    try (BufferedReader commands = new BufferedReader(new InputStreamReader(System.in))) {
      for (String line = commands.readLine(); line != null; line = commands.readLine()) {
        try {
          run(line.split("\t"));
          System.out.println("done");
        } catch (Exception failed) {
          Throwable cause = failed.getCause() == null ? failed : failed.getCause();
          System.out.println("failed\t" + cause.toString().replace('\n', ' '));
        }
        System.out.flush();
      }
    } finally {
      for (long pid : owned) ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  private static void run(String[] words) throws Exception {
    switch (words[0]) {
      case "own" -> owned.add(Long.parseLong(words[1]));
      case "nodes" -> nodes(words[1], Integer.parseInt(words[2]));
      case "open" -> open(words[1], words[2], false);
      case "abort-open" -> open(words[1], words[2], true);
      case "leader" -> leader(words[1], words[2], Integer.parseInt(words[3]));
      case "move-leader" -> moveLeader(words[1], words[2], Integer.parseInt(words[3]));
      case "allow" -> allow(words);
      case "pem" -> pem(words);
      case "send" -> send(words[1], words[2], words[3], Integer.parseInt(words[4]));
      case "delete-topic" -> deleteTopic(words[1], words[2]);
      case "delete-records" -> deleteRecords(words[1], words[2], Long.parseLong(words[3]));
      case "delete-group" -> deleteGroup(words[1], words[2]);
      case "create" -> create(words[1], words[2], Integer.parseInt(words[3]));
      case "read" -> read(words[1], words[2], words[3]);
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private static Admin admin(String servers) {
    return Admin.create(Map.of("bootstrap.servers", servers, "request.timeout.ms", "10000"));
  }

  /** Fails unless so many brokers are there. */
  private static void nodes(String servers, int wanted) throws Exception {
    try (Admin admin = admin(servers)) {
      int found = admin.describeCluster().nodes().get(5, TimeUnit.SECONDS).size();
      if (found < wanted) throw new IllegalStateException(found + " of " + wanted + " brokers");
    }
  }

  /** The partitions with open transactions, one line for each; ends them, as an administrator does. */
  private static void open(String servers, String topic, boolean ends) throws Exception {
    try (Admin admin = admin(servers)) {
      List<TopicPartition> partitions = new ArrayList<>();
      var found = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
      found.partitions().forEach(each -> partitions.add(new TopicPartition(topic, each.partition())));
      for (var entry : admin.describeProducers(partitions).all().get().entrySet()) {
        for (var producer : entry.getValue().activeProducers()) {
          if (producer.currentTransactionStartOffset().isEmpty()) continue;
          System.out.println(entry.getKey());
          if (!ends) continue;
          int coordinator = producer.coordinatorEpoch().orElse(0);
          short epoch = (short) producer.producerEpoch();
          var wanted =
              new AbortTransactionSpec(entry.getKey(), producer.producerId(), epoch, Math.max(0, coordinator));
          admin.abortTransaction(wanted).all().get();
        }
      }
    }
  }

  /** Servers, user, kind of a resource, its name, operation. */
  private static void allow(String[] words) throws Exception {
    try (Admin admin = admin(words[1])) {
      boolean isPrefix = words[4].endsWith("*");
      String name = isPrefix ? words[4].substring(0, words[4].length() - 1) : words[4];
      var pattern =
          new ResourcePattern(
              ResourceType.valueOf(words[3]), name, isPrefix ? PatternType.PREFIXED : PatternType.LITERAL);
      var operation = AclOperation.valueOf(words[5]);
      var entry = new AccessControlEntry(words[2], "*", operation, AclPermissionType.ALLOW);
      admin.createAcls(List.of(new AclBinding(pattern, entry))).all().get();
    }
  }

  /** Sends rows to partition 0, packed with a codec. */
  private static void send(String servers, String topic, String codec, int rows) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", servers);
    settings.put("compression.type", codec);
    settings.put("linger.ms", "50");
    ByteArraySerializer bytes = new ByteArraySerializer();
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
      for (int row = 0; row < rows; row++) {
        byte[] value = ("row " + row).getBytes(StandardCharsets.UTF_8);
        producer.send(new ProducerRecord<>(topic, 0, null, value));
      }
      producer.flush();
    }
  }

  private static void deleteTopic(String servers, String topic) throws Exception {
    try (Admin admin = admin(servers)) {
      admin.deleteTopics(List.of(topic)).all().get();
    }
  }

  /** Deletes what is before an offset of partition 0. */
  private static void deleteRecords(String servers, String topic, long before) throws Exception {
    try (Admin admin = admin(servers)) {
      var wanted = Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(before));
      admin.deleteRecords(wanted).all().get();
    }
  }

  private static void deleteGroup(String servers, String group) throws Exception {
    try (Admin admin = admin(servers)) {
      admin.deleteConsumerGroups(List.of(group)).all().get();
    }
  }

  /** Store, password, what of it, alias: as PEM text, which is written in base64 as it has several lines. */
  private static void pem(String[] words) throws Exception {
    KeyStore store = KeyStore.getInstance(new File(words[1]), words[2].toCharArray());
    boolean isKey = words[3].equals("key");
    byte[] found =
        isKey
            ? store.getKey(words[4], words[2].toCharArray()).getEncoded()
            : store.getCertificate(words[4]).getEncoded();
    String kind = isKey ? "PRIVATE KEY" : "CERTIFICATE";
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(found);
    String text = "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n";
    System.out.println(Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII)));
  }

  private static void leader(String servers, String topic, int partition) throws Exception {
    try (Admin admin = admin(servers)) {
      System.out.println(described(admin, topic, partition).leader().id());
    }
  }

  private static TopicPartitionInfo described(Admin admin, String topic, int partition)
      throws Exception {
    var found = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    return found.partitions().get(partition);
  }

  /** The next replica becomes the leader, as when the broker of the one before is shut down. */
  private static void moveLeader(String servers, String topic, int partition) throws Exception {
    TopicPartition which = new TopicPartition(topic, partition);
    try (Admin admin = admin(servers)) {
      TopicPartitionInfo before = described(admin, topic, partition);
      List<Integer> order = new ArrayList<>();
      before.replicas().forEach(each -> order.add(each.id()));
      Collections.rotate(order, -1 - order.indexOf(before.leader().id()));
      var wanted = Optional.of(new NewPartitionReassignment(order));
      admin.alterPartitionReassignments(Map.of(which, wanted)).all().get();
      long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (described(admin, topic, partition).leader().id() != order.get(0)) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("the leader stays");
        admin.electLeaders(ElectionType.PREFERRED, Set.of(which)).partitions().get();
        Thread.sleep(20);
      }
    }
  }

  private static void create(String servers, String topic, int partitions)
      throws Exception {
    try (Admin admin = admin(servers)) {
      NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty());
      admin.createTopics(List.of(wanted)).all().get();
    }
  }

  /** A commit is acknowledged before its end stands in the partitions, where readers go by it: waits for that. */
  private static void awaitEnds(String servers) throws Exception {
    var ending = Set.of(TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT);
    ListTransactionsOptions options = new ListTransactionsOptions().filterStates(ending);
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    try (Admin admin = admin(servers)) {
      while (isEnding(admin, options)) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("a transaction does not end");
        Thread.sleep(20);
      }
    }
  }

  private static boolean isEnding(Admin admin, ListTransactionsOptions options) throws Exception {
    try {
      return !admin.listTransactions(options).all().get().isEmpty();
    } catch (ExecutionException | IllegalArgumentException away) {
      // The client trips over a broker that comes back while it asks.
      return true;
    }
  }

  /** Every record up to the end as it is now: partition, offset, key and value, in base64 or "-". */
  private static void read(String servers, String topic, String level) throws Exception {
    awaitEnds(servers);
    Properties settings = new Properties();
    settings.put("bootstrap.servers", servers);
    settings.put("isolation.level", level);
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer
          .partitionsFor(topic)
          .forEach(found -> partitions.add(new TopicPartition(topic, found.partition())));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
      while (partitions.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
        if (System.nanoTime() > deadline) throw new IllegalStateException("no end of " + topic);
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          if (record.offset() >= ends.get(new TopicPartition(topic, record.partition()))) continue;
          System.out.println(
              "record\t" + record.partition() + "\t" + record.offset() + "\t"
                  + text(record.key()) + "\t" + text(record.value()));
        }
      }
    }
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "-" : "=" + Base64.getEncoder().encodeToString(bytes);
  }
}
