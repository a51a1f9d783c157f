// Logs the orders in a batch of Kinesis records.
import dayjs from "dayjs";

export async function handler(event) {
  for (const { kinesis } of event.Records) {
    const order = JSON.parse(Buffer.from(kinesis.data, "base64").toString());
    const arrived = dayjs.unix(kinesis.approximateArrivalTimestamp).format("YYYY-MM-DD HH:mm:ss");
    console.log(`order ${order.id} for ${order.item}, arrived ${arrived}`);
  }
  return { handled: event.Records.length };
}
