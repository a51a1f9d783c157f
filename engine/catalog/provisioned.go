package catalog

import "time"

// Provisioned is the provisioned concurrency of a version or an alias.
type Provisioned struct {
	Requested    int32
	LastModified time.Time
}

// ProvisionedOf tells how many environments of a version are to be kept ready,
// whether for itself or for an alias.
func (f *Function) ProvisionedOf(number string) int {
	for qualifier, p := range f.Provisioned {
		if at, ok := f.VersionOf(qualifier); ok && at == number {
			return int(p.Requested)
		}
	}
	return 0
}

// Reserve sets the reserved concurrency; nil lifts it. It cannot be less than what
// is provisioned.
func (f *Function) Reserve(n *int32) error {
	var total int32
	for _, p := range f.Provisioned {
		total += p.Requested
	}
	if n != nil && *n < total {
		return Invalid(" ReservedConcurrentExecutions  %d should not be lower than function's total provisioned concurrency [%d].", *n, total) // AWS's spaces
	}
	f.Reserved = n
	return nil
}

// Provision sets the provisioned concurrency of a version or an alias. A version
// has it by its own number or by one alias, not by both.
func (f *Function) Provision(l Limits, qualifier string, p Provisioned) error {
	if qualifier == LatestVersion {
		return Invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	if err := f.CheckQualifier(qualifier); err != nil {
		return err
	}
	number, _ := f.VersionOf(qualifier)
	if number == LatestVersion {
		return Invalid("Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	}
	total := p.Requested
	for other, set := range f.Provisioned {
		if other == qualifier {
			continue
		}
		total += set.Requested
		if at, _ := f.VersionOf(other); at != number {
			continue
		}
		if isDigits(qualifier) {
			return Conflict("Version is pointed by a Provisioned Concurrency alias")
		}
		return Conflict("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	}
	if f.Reserved != nil && total > *f.Reserved {
		return Invalid("Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	}
	if int(total) > l.Concurrency-Unreservable {
		return Invalid("Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [%d].", l.Concurrency)
	}
	if f.Provisioned == nil {
		f.Provisioned = map[string]Provisioned{}
	}
	f.Provisioned[qualifier] = p
	return nil
}
