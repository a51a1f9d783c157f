package lambdaform;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The Runtime API: one kept-alive HTTP connection, bodies of known length. */
final class RuntimeApi {
    private static final String ROOT = "/2018-06-01/runtime/";
    private static final byte[] NOTHING = {};

    private final String host;
    private final int port;
    private Socket socket;
    private InputStream in;
    private OutputStream out;
    private final byte[] buffer = new byte[16 << 10];
    private int from;
    private int to;
    private Map<String, String> headers;
    private byte[] body;

    RuntimeApi(String address) {
        int colon = address.lastIndexOf(':');
        this.host = address.substring(0, colon);
        this.port = Integer.parseInt(address.substring(colon + 1));
    }

    Invocation next() {
        if (call("GET", "invocation/next", NOTHING, "") != 200) {
            System.exit(1);
        }
        return new Invocation(headers, body);
    }

    void respond(String id, byte[] response) {
        call("POST", "invocation/" + id + "/response", response, "Content-Type: application/json\r\n");
    }

    void error(String id, Fault fault) {
        post("invocation/" + id + "/error", fault);
    }

    void initError(Fault fault) {
        post("init/error", fault);
    }

    private void post(String path, Fault fault) {
        call("POST", path, fault.body(), "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: " + fault.blame + "\r\n");
    }

    private int call(String method, String path, byte[] content, String more) {
        try {
            if (socket == null) {
                socket = new Socket(InetAddress.getByName(host), port);
                socket.setTcpNoDelay(true);
                in = socket.getInputStream();
                out = socket.getOutputStream();
            }
            byte[] head = (method + " " + ROOT + path + " HTTP/1.1\r\nHost: lambda\r\nContent-Length: " + content.length + "\r\n" + more + "\r\n")
                    .getBytes(StandardCharsets.UTF_8);
            byte[] request = new byte[head.length + content.length];
            System.arraycopy(head, 0, request, 0, head.length);
            System.arraycopy(content, 0, request, head.length, content.length);
            out.write(request);
            return receive();
        } catch (IOException e) {
            System.exit(1); // the environment is being taken down
            return 0;
        }
    }

    private int receive() throws IOException {
        int status = Integer.parseInt(line().split(" ")[1]);
        headers = new HashMap<>();
        for (String line = line(); !line.isEmpty(); line = line()) {
            int colon = line.indexOf(':');
            headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).trim());
        }
        String length = headers.get("content-length");
        body = new byte[length == null ? 0 : Integer.parseInt(length)];
        for (int have = 0; have < body.length; ) {
            fill();
            int n = Math.min(to - from, body.length - have);
            System.arraycopy(buffer, from, body, have, n);
            from += n;
            have += n;
        }
        if ("close".equals(headers.get("connection"))) {
            socket.close();
            socket = null;
            from = to;
        }
        return status;
    }

    private String line() throws IOException {
        byte[] line = new byte[256];
        int n = 0;
        while (true) {
            fill();
            byte b = buffer[from++];
            if (b == '\n') {
                return new String(line, 0, n > 0 && line[n - 1] == '\r' ? n - 1 : n, StandardCharsets.UTF_8);
            }
            if (n == line.length) {
                line = java.util.Arrays.copyOf(line, 2 * n);
            }
            line[n++] = b;
        }
    }

    /** Makes sure that the buffer has something. */
    private void fill() throws IOException {
        if (from < to) {
            return;
        }
        from = 0;
        to = in.read(buffer);
        if (to < 0) {
            throw new IOException("hung up");
        }
    }
}
