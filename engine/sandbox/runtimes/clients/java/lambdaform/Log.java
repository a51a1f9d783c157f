package lambdaform;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UnsupportedEncodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The function's log. What is printed is an event a line; what is logged is one event,
 * whatever it has of lines: a carriage return stands for a line break inside.
 */
final class Log {
    private static final List<String> LEVELS = Arrays.asList("UNDEFINED", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL");

    String requestId;
    private final Output out;
    private final boolean json = "JSON".equalsIgnoreCase(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
    private final int least;

    private Log(Output out) {
        this.out = out;
        String level = System.getenv("AWS_LAMBDA_LOG_LEVEL");
        this.least = level == null ? 0 : LEVELS.indexOf(level.toUpperCase(Locale.ROOT));
    }

    /** Takes over the standard streams. */
    static Log install() {
        Output out = new Output(FileDescriptor.out);
        try {
            System.setOut(new PrintStream(out, false, "UTF-8"));
            System.setErr(new PrintStream(new Output(FileDescriptor.err), false, "UTF-8"));
        } catch (UnsupportedEncodingException e) {
            throw new IllegalStateException(e);
        }
        return new Log(out);
    }

    /** Logs a message with a level, "UNDEFINED" for none. */
    void log(String message, String level) {
        if (!enabled(level)) {
            return;
        }
        if (!json) {
            write(level.equals("UNDEFINED") ? String.valueOf(message) : "[" + level + "] " + message);
            return;
        }
        StringBuilder line = new StringBuilder("{\"timestamp\":\"").append(Stamp.now()).append("\",\"message\":");
        Json.quote(line, String.valueOf(message));
        line.append(",\"level\":\"").append(level).append('"');
        if (requestId != null) {
            line.append(",\"AWSRequestId\":\"").append(requestId).append('"');
        }
        write(line.append('}').toString());
    }

    /** Logs bytes as they are. */
    void log(byte[] message, String level) {
        if (enabled(level)) {
            write(message == null ? "null" : new String(message, StandardCharsets.UTF_8));
        }
    }

    void error(String message) {
        log(message, json ? "ERROR" : "UNDEFINED");
    }

    /** Loaded with the first JSON log line only. */
    private static final class Stamp {
        private static final DateTimeFormatter FORMAT = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

        static String now() {
            return FORMAT.format(Instant.now());
        }
    }

    private boolean enabled(String level) {
        return level.equals("UNDEFINED") || LEVELS.indexOf(level) >= least;
    }

    private void write(String event) {
        String text = event.endsWith("\n") ? event.substring(0, event.length() - 1) : event;
        out.line(text.replace("\r\n", "\r").replace('\n', '\r'));
    }

    /** A standard stream that knows whether it is at the beginning of a line. */
    private static final class Output extends OutputStream {
        private final FileOutputStream file;
        private boolean inside;

        Output(FileDescriptor fd) {
            this.file = new FileOutputStream(fd);
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public synchronized void write(byte[] data, int from, int length) throws IOException {
            if (length > 0) {
                file.write(data, from, length);
                inside = data[from + length - 1] != '\n';
            }
        }

        synchronized void line(String text) {
            byte[] data = ((inside ? "\n" : "") + text + "\n").getBytes(StandardCharsets.UTF_8);
            try {
                write(data, 0, data.length);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e); // the supervisor has gone
            }
        }
    }
}
