package example;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Date;
import java.util.List;
import java.util.Map;

/** What the guide's POJO handlers take and give, and what such classes can have beside. */
public class Greeting {
    public enum Mood { GOOD, BAD }

    public static class Request {
        private String firstName;
        private String lastName;
        private Mood mood;
        private int times;
        private List<Name> others;
        private Map<String, Name> byRole;

        public String getFirstName() { return firstName; }

        public void setFirstName(String firstName) { this.firstName = firstName; }

        public String getLastName() { return lastName; }

        public void setLastName(String lastName) { this.lastName = lastName; }

        public Mood getMood() { return mood; }

        public void setMood(Mood mood) { this.mood = mood; }

        public int getTimes() { return times; }

        public void setTimes(int times) { this.times = times; }

        public List<Name> getOthers() { return others; }

        public void setOthers(List<Name> others) { this.others = others; }

        public Map<String, Name> getByRole() { return byRole; }

        public void setByRole(Map<String, Name> byRole) { this.byRole = byRole; }
    }

    public static class Response {
        private String greetings;

        public Response() {}

        public Response(String greetings) { this.greetings = greetings; }

        public String getGreetings() { return greetings; }

        public void setGreetings(String greetings) { this.greetings = greetings; }
    }

    public static class Name {
        private String value;
        private Boolean old;

        public String getValue() { return value; }

        public void setValue(String value) { this.value = value; }

        public Boolean isOld() { return old; }

        public void setOld(Boolean old) { this.old = old; }
    }

    public static class Times {
        public Instant at;
        public LocalDate day;
        public LocalDateTime when;
        public Date date;
        public Duration took;
    }
}
