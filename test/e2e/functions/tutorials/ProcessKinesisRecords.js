// Logs what the records of a Kinesis stream carry (the guide's Kinesis tutorial).
exports.handler = (event, context, callback) => {
  for (const record of event.Records) {
    const payload = Buffer.from(record.kinesis.data, "base64").toString("utf8");
    console.log("Decoded payload:", payload);
  }
  callback(null, "message");
};
