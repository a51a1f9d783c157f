package lambdaform;

/** JSON that is not what a type takes, or a value that JSON does not have. */
final class Mismatch extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String what;
    private String where = "";

    Mismatch(String what) {
        super(what);
        this.what = what;
    }

    static Mismatch of(Object json, Class<?> type) {
        String kind = json instanceof java.util.Map ? "an object" : json instanceof java.util.List ? "an array" : json + " (" + json.getClass().getSimpleName() + ")";
        return new Mismatch("Cannot make a value of type " + type.getName() + " of " + kind);
    }

    /** Adds the member in which it was found. */
    Mismatch in(String member) {
        where = "." + member + where;
        return this;
    }

    @Override
    public String getMessage() {
        return where.isEmpty() ? what : what + ", in " + where.substring(1);
    }
}
