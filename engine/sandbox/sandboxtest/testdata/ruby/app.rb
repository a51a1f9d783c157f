require 'logger'
require 'net/http'
require 'tmpdir'

$count = 0
$ticks = 0

def handler(event:, context:)
  $count += 1
  return event unless event.is_a?(Hash) && event.key?('op')

  case event['op']
  when 'raise' then raise ArgumentError, "no good: #{event['why']}"
  when 'exit' then exit!(7)
  when 'sleep'
    sleep(event['seconds'])
    'slept'
  when 'print'
    event['lines'].times { |i| puts "line #{i}" }
    print 'no line break'
  when 'log' then warn 'it hurts'
  when 'large' then 'x' * event['size']
  when 'length' then event['data'].size
  when 'count' then $count
  when 'tick'
    $ticker ||= Thread.new { loop { sleep(0.01); $ticks += 1 } }
    $ticks
  when 'eat'
    eaten = []
    loop { eaten << 'x' * (8 << 20) }
  when 'tmp'
    mark = File.join(Dir.tmpdir, 'mark')
    there = File.exist?(mark)
    File.write(mark, 'x')
    there
  when 'write'
    begin
      File.write(event['path'], 'x')
      'written'
    rescue SystemCallError => e
      e.message
    end
  when 'context' then told(context)
  when 'get' then Net::HTTP.get(URI(ENV['AWS_ENDPOINT_URL'] + event['path']))
  else raise KeyError, event['op']
  end
end

def told(context)
  {
    id: context.aws_request_id,
    arn: context.invoked_function_arn,
    remaining: context.get_remaining_time_in_millis,
    name: context.function_name,
    custom: context.client_context && context.client_context['custom'],
    identity: context.identity && context.identity['cognitoIdentityId'],
    trace: ENV['_X_AMZN_TRACE_ID'],
    uid: Process.uid,
    cwd: Dir.pwd,
    task: ENV['LAMBDA_TASK_ROOT']
  }
end

module Greeting
  class Polite
    def self.greet(event:, context:)
      "Hello #{event['name']}."
    end
  end
end

def critical(event:, context:)
  event.no_such_method
end

def bytes(event:, context:)
  StringIO.new('<not json>')
end

raise 'cannot start' if ENV['BREAK']
