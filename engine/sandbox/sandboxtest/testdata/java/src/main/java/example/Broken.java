package example;

/** Cannot be loaded, or constructed, or written as JSON. */
public class Broken {
    private static final int N = Integer.parseInt("no number");

    public static int handle() {
        return N;
    }

    public static class Constructor {
        public Constructor() {
            System.out.println("before the fall");
            throw new IllegalStateException("cannot start");
        }

        public String handle() {
            return "never";
        }
    }

    public static class Secret {
        private Secret() {}

        public String handle() {
            return "never";
        }
    }

    public static class Unwritable {
        public String getName() {
            throw new IllegalStateException("not told");
        }
    }

    public static class Loop {
        public Loop getSelf() {
            return this;
        }
    }
}
