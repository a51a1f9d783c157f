package lambdaform;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * One event against a Runtime API of its own, so that the classes which that loads can be
 * archived for later starts.
 */
public final class Rehearsal {
    private Rehearsal() {}

    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
        Thread stage = new Thread(() -> {
            try (Socket runtime = server.accept()) {
                answer(runtime, "200 OK", "Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 1\r\n", "{\"names\":[\"a\\n\"],\"n\":1.5}");
                answer(runtime, "202 Accepted", "", "{}");
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        stage.setDaemon(true);
        stage.start();
        Main.run("127.0.0.1:" + server.getLocalPort(), "lambdaform.Rehearsal::act");
    }

    private static void answer(Socket runtime, String status, String headers, String body) throws IOException {
        InputStream in = runtime.getInputStream();
        in.read(new byte[1 << 16]);
        runtime.getOutputStream().write(("HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                .getBytes(StandardCharsets.UTF_8));
    }

    /** A bean to convert. */
    public static class Part {
        private List<String> names;
        private double n;

        public List<String> getNames() {
            return names;
        }

        public void setNames(List<String> names) {
            this.names = names;
        }

        public double getN() {
            return n;
        }

        public void setN(double n) {
            this.n = n;
        }
    }

    public static Part act(Part part) {
        return part;
    }
}
